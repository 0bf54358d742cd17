"""`xlt perturb`: a SQuAD file perturbed once, without a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xltlib.artifacts import InputError
from xltlib.cli.terminal import console
from xltlib.text_files import number_of


def perturb(
    data: Annotated[Path, typer.Option(help="SQuAD JSON, or rows as JSON or JSON lines")],
    kind: Annotated[
        str,
        typer.Option(
            help="typo, homoglyph, imperceptible, misspelling (English), codemix or addonesent"
        ),
    ],
    out: Annotated[Path, typer.Option(help="The SQuAD 1.1 JSON file to write")],
    lang: Annotated[str, typer.Option(help="Language code of the file")] = "en",
    severity: Annotated[
        float | None, typer.Option(help="Share of each passage's words to change [default: 0.2]")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed gives other edits")] = 0,
    lexicon: Annotated[
        list[Path] | None, typer.Option(help="codemix: translations in MUSE's format; repeatable")
    ] = None,
    bitext: Annotated[
        Path | None,
        typer.Option(help="codemix: sentence, tab, English translation on each line"),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(help="codemix: aligns the words of --bitext [default: me5-small]"),
    ] = None,
) -> None:
    """Perturb the passages of a SQuAD file; the same seed gives the same file."""
    from xltlib.attacks import perturb as perturbing
    from xltlib.attacks.lexicon import bitext_lexicon, joined, read_lexicon
    from xltlib.corpora.squad_files import is_answerable, read_squad, require_stated_language
    from xltlib.languages import find_language

    find_language(lang)
    if kind != "codemix" and (lexicon or bitext):
        raise InputError(f"--kind {kind} reads no lexicon; leave out --lexicon and --bitext")
    if encoder is not None and not bitext:
        raise InputError("--encoder aligns the words of --bitext; give --bitext, or leave it out")
    if kind == "codemix" and not (lexicon or bitext):
        raise InputError("--kind codemix needs translations; give --lexicon or --bitext")
    settings = perturbing.settings(
        kind, severity=severity, seed=seed, lexicons={lang: lexicon or [bitext]}
    )
    if out.resolve() in {file.resolve() for file in (data, *(lexicon or ()), bitext) if file}:
        raise InputError(f"--out {out}: this file is an input; give another")
    every = list(read_squad(data, lang, unanswerable="keep"))
    rows = [row for row in every if is_answerable(row)]
    if not rows:
        raise InputError(f"{data}: no question has an answer. Give a file of answered questions.")
    require_stated_language(data, lang)
    lexicons = {}
    if kind == "codemix":
        found = [read_lexicon(file, lang) for file in lexicon or ()]
        found += (
            [bitext_lexicon(bitext, "me5-small" if encoder is None else encoder, lang)]
            if bitext
            else []
        )
        lexicons = {lang: joined(found)}
    done = perturbing.perturb(rows, settings, lexicons)
    about = {"language": lang, "source": data.name} | settings.model_dump(
        mode="json", include={"kind", "severity", "seed"}
    )
    perturbing.save(out, done.rows, about)
    changed = sum(done.changed)
    console.print(
        f"{out}: {number_of(len(rows), 'question')}, {changed} ({changed / len(rows):.1%}) with "
        "a perturbed passage",
        soft_wrap=True,
    )
    if len(rows) < len(every):
        console.print(f"left out, without an answer: {len(every) - len(rows)}")
    unchanged = [row["id"] for row, it in zip(rows, done.changed, strict=True) if not it]
    if unchanged:
        some = f"{', '.join(unchanged[:5])}{', ...' * (len(unchanged) > 5)}"
        console.print(f"unchanged: {some}", soft_wrap=True)
