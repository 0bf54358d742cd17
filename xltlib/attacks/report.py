"""The outcome of an attack: numbers by language, and pages to read."""

from __future__ import annotations

import html
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from transformers import PreTrainedTokenizerBase

from xltlib.artifacts import write_atomic, write_with
from xltlib.attacks.example import OUTCOMES
from xltlib.languages import find_language, graphemes

Vectors = Callable[[list[str]], np.ndarray]


def summary(results: pd.DataFrame) -> pd.DataFrame:
    """One row per language (and corpus, if there are several), and a last row over all.

    Columns: counts of outcomes; the success rate as a percentage of the attacks that were tried
        (succeeded or failed); F1 in points over all answered examples; and for successful attacks
        the mean number of edited words, their percentage of the passage's words, and the cosine of
        both passages' sentence vectors (if measured). The fast model alone got `unconfirmed` texts
        wrong, and float32 alone `missed` ones.
    """
    keys = [name for name in ("corpus", "language") if name in results]
    rows = [
        dict(zip(keys, key, strict=True)) | _figures(part)
        for key, part in results.groupby(keys, sort=True, dropna=False)
    ]
    if len(rows) > 1:
        rows.append(dict.fromkeys(keys, "all") | _figures(results))
    return pd.DataFrame(rows)


def _figures(part: pd.DataFrame) -> dict[str, Any]:
    outcomes = part["outcome"].value_counts()
    counts = {name: int(outcomes.get(name, 0)) for name in OUTCOMES}
    tried, won = counts["succeeded"] + counts["failed"], part[part["outcome"] == "succeeded"]
    figures: dict[str, Any] = {"n": len(part)} | counts
    figures |= {
        "success rate": 100 * counts["succeeded"] / tried if tried else float("nan"),
        "f1": 100 * part["original_f1"].astype(float).mean(),
        "attacked f1": 100 * part["attacked_f1"].astype(float).mean(),
        "queries": int(part["queries"].sum()),
        "readings": int(part["readings"].sum()),
        "edited words": won["n_edited_words"].mean(),
        "edited %": 100 * (won["n_edited_words"] / won["n_words"]).mean(),
    }
    if "similarity" in part:
        figures["similarity"] = won["similarity"].mean()
    figures |= {name: int(part[name].sum()) for name in ("unconfirmed", "missed")}
    return figures


def attacked(results: pd.DataFrame) -> pd.DataFrame:
    """The results of attacks that were tried."""
    return results[results["outcome"].isin(["succeeded", "failed"])]


def with_similarity(results: pd.DataFrame, vectors: Vectors) -> pd.DataFrame:
    """The results, with the cosine between the sentence vectors of each passage before and
    after."""
    before, after = (vectors(list(results[name])) for name in ("context", "attacked_context"))
    return results.assign(similarity=np.einsum("nh,nh->n", before, after).astype(float))


def validity(results: pd.DataFrame, tokenizer: PreTrainedTokenizerBase) -> pd.DataFrame:
    """Whether attacked texts still are what they should be: one row per language.

    `answer intact`: percentage of texts with every copy of every gold answer. `split graphemes`:
        percentage of edits that begin or end inside a grapheme cluster; it must be 0. `pieces`: the
        ratio of the tokenizer's pieces for the attacked passage to those for the clean one, a proxy
        for fluency, because broken words fall apart. `similarity` is as in `summary`.
    """
    rows = []
    for language, part in attacked(results).groupby("language", sort=True):
        intact = [
            all(
                row.attacked_context.count(text) >= row.context.count(text)
                for text, start in zip(
                    row.answers["text"], row.answers["answer_start"], strict=True
                )
                if start >= 0  # the class of a sentence pair is no part of the text
            )
            for row in part.itertuples()
        ]
        split = [inside for row in part.itertuples() for inside in split_graphemes(row)]
        before, after = (
            sum(len(ids) for ids in tokenizer(list(part[name]))["input_ids"])
            for name in ("context", "attacked_context")
        )
        figures = {
            "language": language,
            "n": len(part),
            "edits": len(split),
            "answer intact": 100 * float(np.mean(intact)),
            "split graphemes": 100 * float(np.mean(split)) if split else 0.0,
            "pieces": after / before,
        }
        if "similarity" in part:
            figures["similarity"] = part["similarity"].mean()
        rows.append(figures)
    return pd.DataFrame(rows)


def split_graphemes(row: Any) -> list[bool]:
    """For each edit of a result, whether it begins or ends inside a grapheme cluster of the old
    text."""
    borders = {0, *accumulate(map(len, graphemes(row.context)))}
    return [not {edit["start"], edit["start"] + len(edit["old"])} <= borders for edit in row.edits]


def write(folder: Path, results: pd.DataFrame, title: str) -> pd.DataFrame:
    """Save results as Parquet and JSON lines, the summary as CSV, and a page to read.

    Returns:
        The summary.
    """
    table = summary(results)
    write_with(folder / "attacks.parquet", results.to_parquet)
    write_with(
        folder / "attacks.jsonl",
        lambda path: results.to_json(path, orient="records", lines=True, force_ascii=False),
    )
    write_with(
        folder / "summary.csv",
        lambda path: table.to_csv(path, index=False, float_format="%.4f", lineterminator="\n"),
    )
    write_atomic(folder / "attacks.html", page(results, title).encode("utf-8"))
    return table


_PAGE_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.6 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; font-size: 0.85rem; display: block; overflow-x: auto; }
th, td { padding: 0.2rem 0.6rem; border-bottom: 1px solid #8884; text-align: right; }
"""
_STYLE = """
.xlt { --old: #b3261e; --new: #146c2e; border-top: 1px solid #8884; margin-top: 1.5rem; }
@media (prefers-color-scheme: dark) { .xlt { --old: #ff8a80; --new: #8fd9a0; } }
.xlt del { color: var(--old); }
.xlt ins { color: var(--new); text-decoration: none; font-weight: 600; }
.xlt mark { background: #ffe08266; color: inherit; }
.xlt dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; }
.xlt dd { margin: 0; }
.xlt p { white-space: pre-wrap; }
.xlt small { opacity: 0.75; }
"""


def page(results: pd.DataFrame, title: str) -> str:
    """A self-contained page with the summary, then every example with its edits in colour."""
    table = summary(results).to_html(
        index=False, na_rep="", border=0, float_format=lambda value: f"{value:.1f}"
    )
    name = html.escape(title)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_PAGE_STYLE}</style></head><body><h1>{name}</h1>{table}{examples(results)}"
        "</body></html>"
    )


def examples(results: pd.DataFrame, per_language: int | None = None) -> str:
    """Results as HTML, by language, with successful attacks first.

    Each shows the question, the passage with its edits and gold answers marked, and both
    predictions. Right-to-left scripts are set right to left.
    """
    order = {name: place for place, name in enumerate(OUTCOMES)}
    shown = results.sort_values("outcome", key=lambda names: names.map(order), kind="stable")
    shown = shown.sort_values("language", kind="stable")
    if per_language is not None:
        shown = shown.groupby("language", sort=False).head(per_language)
    return f"<style>{_STYLE}</style>" + "".join(map(_example, shown.itertuples()))


def _example(row: Any) -> str:
    language = find_language(row.language)
    way = f'lang="{row.language}" dir="{"rtl" if language.rtl else "ltr"}"'

    def line(name: str, text: str) -> str:
        return f"<dt>{name}</dt><dd><bdi {way}>{html.escape(text) or '—'}</bdi></dd>"

    facts = f"{language.name}, {html.escape(str(row.id))}: {row.outcome}, {row.queries} queries"
    if row.outcome == "error":
        facts += f", {html.escape(row.error)}"
    else:
        facts += f", F1 {100 * row.original_f1:.0f} → {100 * row.attacked_f1:.0f}"
    return (
        f'<article class="xlt"><h3 {way}>{html.escape(row.question)}</h3><small>{facts}</small>'
        f"<p {way}>{_marked(row)}</p><dl>"
        + line("gold", " / ".join(row.answers["text"]))
        + line("before", row.original_prediction)
        + line("under attack", row.attacked_prediction)
        + "</dl></article>"
    )


def _marked(row: Any) -> str:
    """The old passage with edits as <del> and <ins>, and the gold answers as <mark>."""
    changes = [
        (
            edit["start"],
            edit["start"] + len(edit["old"]),
            (f"<del>{html.escape(edit['old'])}</del>" if edit["old"] else "")
            + f"<ins>{html.escape(edit['new'])}</ins>",
        )
        for edit in row.edits
    ]
    answers = zip(row.answers["text"], row.answers["answer_start"], strict=True)
    golds = {(int(start), int(start) + len(text)) for text, start in answers if start >= 0}
    for start, end in golds:
        if not any(start < last and end > first for first, last, _ in changes):
            changes.append((start, end, f"<mark>{html.escape(row.context[start:end])}</mark>"))
    parts, done = [], 0
    for start, end, shown in sorted(changes):
        if start >= done:  # gold answers may overlap; the first is marked
            parts += [html.escape(row.context[done:start]), shown]
            done = end
    return "".join([*parts, html.escape(row.context[done:])])
