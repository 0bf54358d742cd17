"""The `xlt` command: check a profile, run it, read its results, evaluate or attack any model."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from xltlib import params as schema
from xltlib.artifacts import InputError, require_writable
from xltlib.study import STAGES, Grid

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(
    help="Cross-lingual robustness study: check, run and read a profile; evaluate and attack any "
    "model.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console()
WIDEST_TABLE = 150

ParamsFile = Annotated[Path, typer.Argument(help="A params file, e.g. params/quick.yaml")]


def _explained(command: Callable[..., None]) -> Callable[..., None]:
    """Turn the user's input errors into a message and exit code 2."""

    @wraps(command)
    def wrapper(*args: object, **kwargs: object) -> None:
        try:
            command(*args, **kwargs)
        except InputError as error:
            typer.secho(f"Error: {error}", fg="red", err=True)
            raise typer.Exit(2) from error

    return wrapper


def _checked(params: Path, *, to_run: bool = False) -> schema.Params:
    """A profile that is valid and whose sources are there, the hub too if it is to run."""
    from xltlib.study import data

    loaded = schema.load(params)
    try:
        data.check_sources(loaded)
        if to_run:
            data.check_network(loaded)
    except InputError as error:
        raise InputError(f"{params}: {error}") from error
    return loaded


@app.command(epilog="Example: xlt check params/quick.yaml")
@_explained
def check(params: ParamsFile) -> None:
    """Validate a params file and print its grid: stages, cells, what is done, what will run."""
    grid = Grid(_checked(params))
    table = Table(title=f"{grid.params.profile}: {grid.params.description.strip()}")
    for column in ("stage", "cell", "state"):
        table.add_column(column, overflow="fold")
    left = 0
    for stage in STAGES.values():
        for cell in grid.cells(stage.name):
            done = cell.done and cell.notebook.exists()
            left += not done
            table.add_row(stage.notebook, cell.key, "done" if done else "will run")
    console.print(table)
    outputs = grid.params.outputs / grid.params.profile
    console.print(f"{left} cells will run; outputs go to {outputs}", soft_wrap=True)


def project_root(params: Path) -> Path:
    """The folder with the Snakefile: the nearest one above the params file or the working folder.

    Raises:
        InputError: none is found.
    """
    for start in (params.resolve().parent, Path.cwd()):
        for folder in (start, *start.parents):
            if (folder / "Snakefile").is_file() and (folder / "notebooks").is_dir():
                return folder
    raise InputError(
        f"{params}: no Snakefile in a folder above it or above the working folder. Run xlt inside "
        "a clone of the project."
    )


@app.command(epilog="Example: xlt run params/quick.yaml --cores 2")
@_explained
def run(
    params: ParamsFile,
    cores: Annotated[int, typer.Option(min=1, help="CPU cores to use")] = os.cpu_count() or 1,
    gpus: Annotated[int, typer.Option(min=0, help="GPUs to share among the cells")] = 0,
    workflow_profile: Annotated[
        Path | None, typer.Option(help="A Snakemake profile, e.g. for a Slurm cluster")
    ] = None,
) -> None:
    """Run what is missing of a profile; the same command resumes a run that was killed."""
    loaded = _checked(params, to_run=True)
    if loaded.compute.gpus > gpus and workflow_profile is None:
        raise InputError(
            f"{params}: compute.gpus: each cell wants {loaded.compute.gpus} GPU and --gpus is "
            f"{gpus}. Give --gpus {loaded.compute.gpus} or more, or set compute.device: cpu."
        )
    root = project_root(params)
    require_writable(loaded.outputs / loaded.profile, "outputs")
    require_writable(loaded.cache, "cache")
    command = ["snakemake", "--snakefile", str(root / "Snakefile"), "--directory", str(root)]
    # Cells lock themselves, so a lock left by a killed run need not stop the next one; what a
    # killed cell left is replaced, and notebooks tell what changed, not file times of the code.
    command += ["--nolock", "--rerun-incomplete", "--rerun-triggers", "mtime", "params", "input"]
    command += ["--keep-going", "--cores", str(cores), "--quiet", "rules"]
    command += ["--config", f"params={params.resolve()}"]
    if loaded.compute.gpus:
        command += ["--resources", f"gpu={gpus}"]
    if workflow_profile is not None:
        command += ["--workflow-profile", str(workflow_profile)]
    binaries = Path(sys.executable).parent
    environment = os.environ | {
        "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}",
        # Idle threads that spin starve the cells beside them.
        "OMP_WAIT_POLICY": "passive",
        "GOMP_SPINCOUNT": "0",
        "OMP_NUM_THREADS": str(loaded.compute.threads),
        "TOKENIZERS_PARALLELISM": "false",
        "KINETO_LOG_LEVEL": "5",  # the profiler that measures memory says when it starts and stops
    }
    sys.stdout.flush()
    os.execvpe(binaries / "snakemake", command, environment)


@app.command(epilog="Example: xlt results params/quick.yaml")
@_explained
def results(params: ParamsFile) -> None:
    """Print the result tables of a finished profile."""
    from xltlib.study.saved import tables_of

    grid = Grid(schema.load(params))
    for stage in ("results", "transfer", "claims"):
        for cell in grid.cells(stage):
            for title, frame in tables_of(cell).items():
                _print(f"{cell.key}: {title}", frame)


@app.command(epilog="Example: xlt paper params/quick.yaml")
@_explained
def paper(params: ParamsFile) -> None:
    """Write the paper output of a finished profile: tables, figures, numbers, one HTML report."""
    from xltlib.study.paper import write

    folder = write(Grid(schema.load(params)))
    console.print(f"{folder}/report.html: everything, to read in a browser", soft_wrap=True)
    console.print(
        f"{folder}/article.tex, with numbers.tex, tables/ (LaTeX and CSV) and figures/ (PDF and "
        "PNG): to take into a paper",
        soft_wrap=True,
    )


def _print(title: str, frame: pd.DataFrame) -> None:
    """Print a table. A number is never cut: a narrow terminal wraps the lines itself."""
    from xltlib.analysis.tables import shown

    table = Table(title=title)
    for column in frame.columns:
        table.add_column(str(column), overflow="fold")
    for row in shown(frame).itertuples(index=False):
        table.add_row(*row)
    Console(width=max(console.width, WIDEST_TABLE)).print(table)


@app.command(
    epilog="Example: xlt evaluate --model outputs/quick/03_target_training/CELL/model "
    "--data xquad.de.json --lang de"
)
@_explained
def evaluate(
    model: Annotated[Path, typer.Option(help="Folder of a Hugging Face span-QA model")],
    data: Annotated[Path, typer.Option(help="A SQuAD 1.1 JSON file")],
    lang: Annotated[str, typer.Option(help="Language code of the file")] = "en",
    batch_size: Annotated[int, typer.Option(min=1)] = 32,
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
) -> None:
    """F1 and EM of any span-QA model on any SQuAD-format file."""
    from xltlib.corpora.squad_files import read_squad
    from xltlib.evaluation.predictor import SpanPredictor
    from xltlib.evaluation.span_qa import answer, summarize
    from xltlib.languages import LANGUAGES

    if lang not in LANGUAGES:
        raise InputError(f"--lang {lang}: unknown language; known: {' '.join(LANGUAGES)}")
    rows = read_squad(data, lang, on_bad_offset="error")
    quiet = bool(os.environ.get("CI"))
    predictor = SpanPredictor.load(model, device=device, batch_size=batch_size, progress=not quiet)
    scores = summarize(answer(predictor, data.stem, rows))[data.stem]["languages"][lang]
    console.print(
        f"{data.name} ({lang}): F1 {scores['f1']:.2f}, EM {scores['em']:.2f}, "
        f"n = {scores['n']} questions"
    )


@app.command(
    epilog="Example: xlt attack --model DIR --data xquad.de.json --lang de --recipe typo "
    "--limit 100 --out attacked"
)
@_explained
def attack(
    model: Annotated[str, typer.Option(help="A Hugging Face span-QA model: folder or hub name")],
    data: Annotated[Path, typer.Option(help="A SQuAD 1.1 JSON file")],
    recipe: Annotated[str, typer.Option(help="One of the recipes in the README, e.g. typo")],
    out: Annotated[Path, typer.Option(help="Folder to write to; the same command resumes")],
    lang: Annotated[str, typer.Option(help="Language code of the file")] = "en",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many")] = None,
    budget: Annotated[int, typer.Option(min=2, help="Queries an example may take")] = 200,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of the recipe, e.g. max_edited_words=2"),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(help="Measures similarity, gives neighbours: me5-small, folder or hub name"),
    ] = None,
    shard: Annotated[str, typer.Option(help="k/n: the k-th of n parts, for n machines")] = "1/1",
    at_once: Annotated[int, typer.Option(min=1, help="Examples attacked side by side")] = 16,
    batch_size: Annotated[int, typer.Option(min=1)] = 16,
    precision: Annotated[
        str, typer.Option(help="float32, or bf16 to guide the search")
    ] = "float32",
    guide_words: Annotated[
        int | None, typer.Option(min=1, help="Words beside the answer that a bf16 guide reads")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
) -> None:
    """Attack any span-QA model on any SQuAD-format file, in any language."""
    from xltlib.attacks import attack as attack_model
    from xltlib.corpora.squad_files import read_squad
    from xltlib.languages import LANGUAGES
    from xltlib.params import EngineSettings

    if lang not in LANGUAGES:
        raise InputError(f"--lang {lang}: unknown language; known: {' '.join(LANGUAGES)}")
    if precision not in ("float32", "bf16"):
        raise InputError(f"--precision {precision}: give float32 or bf16")
    if guide_words is not None and precision == "float32":
        raise InputError("--guide-words needs a guide: give --precision bf16 too")
    engine = EngineSettings(
        at_once=at_once, batch_size=batch_size, precision=precision, guide_words=guide_words
    )
    done = attack_model(
        model,
        read_squad(data, lang),
        recipe,
        out,
        limit=limit,
        shard=_shard(shard),
        encoder=encoder,
        device=device,
        engine=engine,
        progress=not os.environ.get("CI"),
        **({"max_queries": budget} | _settings(setting or [])),
    )
    _print(f"{recipe} against {model}", done.summary)
    console.print(f"{out}/attacks.html, .jsonl, .parquet and summary.csv", soft_wrap=True)


def _shard(text: str) -> tuple[int, int]:
    """ "2/8" as (2, 8)."""
    try:
        k, n = map(int, text.split("/"))
    except ValueError as error:
        raise InputError(f"--shard {text}: give k/n, e.g. 2/8") from error
    return k, n


def _settings(pairs: list[str]) -> dict[str, object]:
    """key=value pairs, values as in YAML; a dot in the key goes one level down."""
    import yaml

    found: dict[str, object] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise InputError(f"--set {pair}: give key=value, e.g. max_edited_words=2")
        section = found
        *path, last = key.split(".")
        for part in path:
            section = section.setdefault(part, {})  # type: ignore[assignment]
        section[last] = yaml.safe_load(value)
    return found
