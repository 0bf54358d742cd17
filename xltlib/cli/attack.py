"""`xlt attack`: attack any span-QA model on any SQuAD-format file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from xltlib.artifacts import InputError
from xltlib.cli.evaluate import METRICS, Metric
from xltlib.cli.terminal import console, print_table
from xltlib.params.values import MOST
from xltlib.text_files import shown


def attack(
    model: Annotated[str, typer.Option(help="A Hugging Face span-QA model: folder or hub name")],
    data: Annotated[Path, typer.Option(help="SQuAD JSON, or rows as JSON or JSON lines")],
    recipe: Annotated[str, typer.Option(help="A recipe from docs/attacks.md, e.g. typo")],
    out: Annotated[Path, typer.Option(help="Output folder; the same command resumes")],
    lang: Annotated[str, typer.Option(help="Language code of the file, e.g. sw")] = "en",
    metric: Annotated[Metric, typer.Option(help=METRICS)] = Metric.squad,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Attack only the first questions, up to this number")
    ] = None,
    budget: Annotated[int, typer.Option(min=2, help="Queries per example")] = 200,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of the recipe, e.g. max_edited_words=2"),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(help="Encoder for similarity and neighbours: me5-small, folder or hub name"),
    ] = None,
    shard: Annotated[
        str, typer.Option(help="k/n: attack the k-th of n parts, to share the work among machines")
    ] = "1/1",
    at_once: Annotated[
        int, typer.Option(min=1, max=MOST, help="Examples attacked in parallel")
    ] = 16,
    batch_size: Annotated[int, typer.Option(min=1, max=MOST, help="Texts per forward pass")] = 16,
    precision: Annotated[
        Literal["float32", "bf16", "auto"],
        typer.Option(help="float32; bf16 guides the search; auto: bf16 if the device supports it"),
    ] = "float32",
    equal: Annotated[
        bool,
        typer.Option(help="With a bf16 guide: float32 decides close calls, giving float32's texts"),
    ] = False,
    guide_words: Annotated[
        int | None,
        typer.Option(min=1, max=MOST, help="Words on each side of the answer that a guide reads"),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
    for_annotators: Annotated[
        Path | None,
        typer.Option(help="Also write a sheet (.csv or .tsv) on which people judge the texts"),
    ] = None,
) -> None:
    """Attack any span-QA model on any SQuAD-format file, in any language."""
    from xltlib.attacks import annotation
    from xltlib.attacks import attack as attack_model
    from xltlib.attacks.api import recipe_settings
    from xltlib.params import EngineSettings

    if precision == "float32" and (guide_words is not None or equal):
        name = "--equal" if equal else "--guide-words"
        raise InputError(f"{name} needs a guide: give --precision bf16 or auto too")
    if equal and guide_words is not None:
        raise InputError("--equal and --guide-words exclude each other; leave one out")
    engine = EngineSettings(
        at_once=at_once,
        batch_size=batch_size,
        precision=precision,
        equal=equal,
        guide_words=guide_words,
    )
    if for_annotators is not None:
        if recipe == "embedding":
            raise InputError(
                "--for-annotators: embedding changes no text, so there is nothing to judge; leave "
                "it out"
            )
        annotation.require_place(for_annotators)
    done = attack_model(
        model,
        data,
        recipe_settings(recipe, {"max_queries": budget} | _settings(setting or [])),
        out,
        language=lang,
        # Several corpora use SQuAD's rule; only MLQA's identifies its corpus.
        corpus=metric.value if metric is Metric.mlqa else None,
        limit=limit,
        shard=_shard(shard),
        encoder=encoder,
        device=device,
        engine=engine,
        progress=not os.environ.get("CI"),
    )
    print_table(f"{recipe} against {model}", done.summary)
    for why, count in done.left_out.items():
        console.print(f"left out: {count} ({why})")
    if for_annotators is not None:
        key = annotation.write_sheet(for_annotators, done.results)
        console.print(
            f"{for_annotators}; its key, which annotators must not see: {key}", soft_wrap=True
        )
    console.print(f"{out}/: attacks.html, .jsonl, .parquet and summary.csv", soft_wrap=True)


def _shard(text: str) -> tuple[int, int]:
    """ "2/8" as (2, 8)."""
    try:
        k, n = map(int, text.split("/"))
    except ValueError as error:
        raise InputError(f"--shard {shown(text)}: give k/n, e.g. 2/8") from error
    return k, n


def _settings(pairs: list[str]) -> dict[str, Any]:
    """key=value pairs, with values in YAML; a dot in the key goes one level down."""
    from xltlib.yaml_files import parse_yaml

    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        *path, last = key.split(".")
        if not equals or not all([*path, last]):
            raise InputError(f"--set {shown(pair)}: give key=value, e.g. max_edited_words=2")
        section = found
        for part in path:
            inner = section.setdefault(part, {})
            if not isinstance(inner, dict):
                raise InputError(f"--set {shown(pair)}: {part} is set twice; give one value")
            section = inner
        if last in section:
            raise InputError(f"--set {shown(pair)}: {last} is set twice; give one value")
        section[last] = parse_yaml(value, f"--set {shown(pair)}")
    return found
