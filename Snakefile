# The grid, one rule a stage: papermill executes the stage's notebook once for each of its cells.
# `xlt run PARAMS` drives it; by hand: snakemake --cores 2 --nolock --config params=params/quick.yaml
import os
from pathlib import Path
from shlex import quote

from xltlib import params as schema
from xltlib.study import STAGES, Grid
from xltlib.study.notebooks import notebook_code

ROOT = Path(workflow.basedir)
PARAMS = Path(config["params"]).resolve()
PROFILE = schema.load(PARAMS)
GRID = Grid(PROFILE)
BAR = "--no-progress-bar" if os.environ.get("CI") else "--progress-bar"
# A notebook appears under its name when all of it has run; a failed one stays as running.ipynb.
PAPERMILL = (
    f"papermill {BAR} --log-level WARNING --cwd {quote(str(ROOT))}"
    " {params.source} {params.running} {params.values} && mv {params.running} {output}"
)


def notebook_of(stage):
    factors = [f"seed{{{f}}}" if f == "seed" else f"{{{f}}}" for f in STAGES[stage].factors]
    folder = PROFILE.outputs / PROFILE.profile / STAGES[stage].notebook
    return str(folder / (".".join(factors) or "all") / "notebook.ipynb")


def cell_of(stage, wildcards):
    levels = dict(wildcards.items())
    (cell,) = (
        c
        for c in GRID.cells(stage)
        if all(str(level) == levels[name] for name, level in c.factors.items())
    )
    return cell


def reads(stage):
    return lambda wildcards: [str(c.notebook) for c in cell_of(stage, wildcards).upstream]


def values(stage):
    def flags(wildcards):
        factors = {"params": PARAMS} | cell_of(stage, wildcards).factors
        return " ".join(f"-p {name} {quote(str(level))}" for name, level in factors.items())

    return flags


def running(stage):
    return lambda wildcards: str(cell_of(stage, wildcards).path("running.ipynb"))


def source(stage):
    return str(ROOT / "notebooks" / f"{STAGES[stage].notebook}.ipynb")


# Nothing reads this value: a change of settings or of a notebook's code makes its cells stale.
def state(stage):
    code = notebook_code(STAGES[stage], ROOT / "notebooks")
    return lambda wildcards: [cell_of(stage, wildcards).fingerprint, code]


wildcard_constraints:
    encoder="|".join(map(re.escape, PROFILE.encoders)),
    arm="|".join(map(re.escape, PROFILE.intermediate.arms)),
    task="|".join(map(re.escape, PROFILE.targets)),
    method="|".join(map(re.escape, ["standard", *PROFILE.methods])),
    seed="|".join(map(str, PROFILE.seeds)),
    attack="|".join(map(re.escape, PROFILE.attacks)) or "none",


rule all:
    input:
        [str(cell.notebook) for stage in STAGES for cell in GRID.cells(stage)],


# Stages that only read and draw take no accelerator.
LIGHT = {"mem_mb": PROFILE.compute.mem_mb}
HEAVY = LIGHT | ({"gpu": PROFILE.compute.gpus} if PROFILE.compute.gpus else {})


for stage in STAGES:

    rule:
        name: stage
        input: reads(stage)
        output: notebook_of(stage)
        params:
            source=source(stage),
            values=values(stage),
            running=running(stage),
            state=state(stage),
        threads: PROFILE.compute.threads
        resources: **(HEAVY if STAGES[stage].accelerated else LIGHT)
        shell: PAPERMILL
