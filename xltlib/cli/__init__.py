"""The `xlt` command: check a profile, run it, read its results, evaluate or attack any model."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from xltlib import __version__
from xltlib.cli.agreement import agreement
from xltlib.cli.attack import attack
from xltlib.cli.bundle import bundle
from xltlib.cli.check import check
from xltlib.cli.clean import clean
from xltlib.cli.edits import edits
from xltlib.cli.evaluate import evaluate
from xltlib.cli.perturb import perturb
from xltlib.cli.power import power
from xltlib.cli.results import paper, results
from xltlib.cli.run import run
from xltlib.cli.schema import schema
from xltlib.cli.terminal import explained, prepare


class App(typer.Typer):
    """The command line, as a process of its own."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Parse the arguments, run a command and exit."""
        prepare()
        return super().__call__(*args, **kwargs)


app = App(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"xlt {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version"),
    ] = False,
) -> None:
    """Run a cross-lingual robustness study and read its results; evaluate and attack any model."""


app.command(epilog="Example: xlt check params/quick.yaml")(explained(check))
app.command(epilog="Example: xlt run params/quick.yaml --cores 2")(explained(run))
app.command(epilog="Example: xlt results params/quick.yaml")(explained(results))
app.command(epilog="Example: xlt paper params/quick.yaml")(explained(paper))
app.command(epilog="Example: xlt power params/tydiqa.yaml --seeds 5 --seed-sd 2")(explained(power))
app.command(epilog="Example: xlt clean params/quick.yaml --yes")(explained(clean))
app.command(epilog="Example: xlt bundle params/tydiqa.yaml study.tar.gz")(explained(bundle))
app.command(
    epilog="Example: xlt evaluate --model outputs/quick/03_target_training/CELL/model "
    "--data xquad.de.json --lang de"
)(explained(evaluate))
app.command(
    epilog="Example: xlt attack --model DIR --data xquad.de.json --lang de --recipe typo "
    "--limit 100 --out attacked"
)(explained(attack))
app.command(epilog="Example: xlt edits static_set.json edits.json")(explained(edits))
app.command(
    epilog="Example: xlt perturb --data xquad.de.json --lang de --kind typo --severity 0.2 "
    "--out xquad.de.typo.json"
)(explained(perturb))
app.command(epilog="Example: xlt agreement --key sheet.key.csv ann.csv bob.csv")(
    explained(agreement)
)
app.command(epilog="Example: xlt schema > params/schema.json")(explained(schema))
