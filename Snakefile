# The grid, with one rule per stage; a job executes the stage's notebook for one of its cells.
# `xlt run PARAMS` starts it. The cells that run are those without a notebook. By hand:
#   XLT_PARAMS=params/quick.yaml snakemake --cores 2
import os
import sys
from pathlib import Path

from xltlib import params as schema
from xltlib.study import STAGES, Grid
from xltlib.study.todo import Todo

if not os.environ.get("XLT_PARAMS"):
    raise WorkflowError(
        "No params file: set XLT_PARAMS, as in XLT_PARAMS=params/quick.yaml snakemake --cores 2, or use "
        "xlt run params/quick.yaml."
    )

ROOT = Path(workflow.basedir)
PARAMS = Path(os.environ["XLT_PARAMS"]).resolve()
PROFILE = schema.load(PARAMS)
GRID = Grid(PROFILE)
FILE = os.environ.get("XLT_TODO")
TODO = Todo.read(Path(FILE), GRID) if FILE else Todo.of(GRID, ROOT / "notebooks")


# Every path below is relative to this folder, so its own path may contain any character.
workdir: str(PROFILE.outputs / PROFILE.profile)


def notebook(stage, key):
    return f"{STAGES[stage].notebook}/{key}/notebook.ipynb"


# A finished cell needs no notebook: a fresh clone has its results but not its notebook.
def reads(stage):
    return lambda wildcards: [
        notebook(cell.stage.name, cell.key)
        for cell in GRID.cell(stage, wildcards.key).upstream
        if cell in TODO.cells
    ]


# Arguments of a process; Snakemake quotes each (:q), so the shell interprets nothing in them.
def command(stage):
    source = ROOT / "notebooks" / f"{STAGES[stage].notebook}.ipynb"
    job = [sys.executable, "-m", "xltlib.execution.warm", str(source), str(PARAMS), stage]
    return lambda wildcards: [
        *job,
        wildcards.key,
        *(["again"] if GRID.cell(stage, wildcards.key) in TODO.again else []),
    ]


COMPUTE = PROFILE.compute
LIGHT = {"mem_mb": COMPUTE.mem_mb}
# Stages that only make tables and figures need no accelerator.
HEAVY = LIGHT | ({"gpu": COMPUTE.gpus} if COMPUTE.gpus else {})


wildcard_constraints:
    key=r"[^/]+",


localrules:
    all,


rule all:
    input:
        [notebook(cell.stage.name, cell.key) for cell in TODO.cells],


for stage in STAGES:

    rule:
        name: stage
        input: reads(stage)
        output: notebook(stage, "{key}")
        params: command=command(stage)
        priority: STAGES[stage].priority
        threads: COMPUTE.threads
        resources: **(HEAVY if STAGES[stage].accelerated else LIGHT)
        shell: "{params.command:q}"
