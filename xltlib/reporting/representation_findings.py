"""Findings about representations, in sentences whose numbers come from the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pandas as pd

from xltlib.analysis.tables import MACRO
from xltlib.reporting.sentences import Sentence, counted, p_value

NOT_WANTED = {
    "retrieval": "The profile names no retrieval corpus.",
    "alignment": "The profile names no bitext, so alignment is not measured.",
    "probe": "The profile names no tagged corpus for a probe.",
    "cloze": "The profile names no prompts for a masked language model.",
    "rank_consistency": "The profile names no span-QA corpus whose candidates could be ranked.",
    "rotation": "The profile names no test set for a rotation.",
}
"""The sentence for each measure that the params leave out."""
NO_HEAD = (
    "This encoder has no masked-LM head, so it cannot rank words for a prompt's gap. Intermediate "
    "training keeps no such head, and some pretrained encoders, such as me5-small, have none."
)
NO_MODEL = (
    "No span-QA model was fine-tuned from this arm's encoder with this seed by standard training, "
    "so this is not measured."
)
NO_CANDIDATES = "No question of the corpus has two candidates in all languages."


def retrieval(table: pd.DataFrame) -> Iterator[Sentence]:
    """The mean and the range over the languages of each corpus."""
    for (corpus, metric), rows in table.groupby(["corpus", "metric"], sort=False):
        numbers = _extremes(rows, "language", "points") | {
            "corpus": corpus,
            "metric": metric,
            "mean": float(rows["points"].mean()),
            "languages": len(rows),
        }
        over = counted("languages", len(rows), "language")
        words = f"{{corpus}}: {{metric}} is {{mean:.1f}} points, mean of {over}"
        if len(rows) > 1:
            words += "; from {lowest:.1f} ({worst}) to {highest:.1f} ({best})"
        yield Sentence("retrieval", f"{words}.", numbers)


def alignment(table: pd.DataFrame) -> Iterator[Sentence]:
    """How much closer translations are than other sentence pairs."""
    for corpus, rows in table.groupby("corpus", sort=False):
        numbers = _extremes(rows, "language", "margin") | {
            "corpus": corpus,
            "margin": float(rows["margin"].mean()),
            "translations": float(rows["translations"].mean()),
            "others": float(rows["others"].mean()),
        }
        words = (
            "{corpus}: the mean cosine of translations is {translations:.3f}, that of other pairs "
            "{others:.3f}, a margin of {margin:z.3f}"
        )
        if len(rows) > 1:
            words += "; from {lowest:z.3f} ({worst}) to {highest:z.3f} ({best})"
        yield Sentence("alignment", f"{words}.", numbers)


def consistency(table: pd.DataFrame, *, measure: str) -> Iterator[Sentence]:
    """Mean corrected RankC, and its range over pairs of languages."""
    for (corpus, model), rows in table.groupby(["corpus", "model"], sort=False):
        pairs = rows.assign(pair=rows["language 1"] + "-" + rows["language 2"])
        numbers = _extremes(pairs, "pair", "corrected") | {
            "corpus": corpus,
            "model": model,
            "value": float(rows["RankC"].mean()),
            "chance": float(rows["chance"].mean()),
            "mean": float(rows["corrected"].mean()),
            "pairs": len(rows),
            "n": int(rows["n"].iloc[0]),
        }
        over = counted("pairs", len(rows), "pair of languages", "pairs of languages")
        words = (
            "{corpus}, model {model}: RankC is {value:.1f} points with a chance level of "
            f"{{chance:.1f}}, so {{mean:z.1f}} corrected for chance (mean of {over}, n={{n}} each)"
        )
        if len(rows) > 1:
            words += "; from {lowest:.1f} ({worst}) to {highest:.1f} ({best})"
        yield Sentence(measure, f"{words}.", numbers)


def probe(table: pd.DataFrame) -> Iterator[Sentence]:
    """Accuracy in the probe's own language, and in the others."""
    own = table["trained on"] == table["tested on"]
    pairs = table.assign(pair=table["trained on"] + " to " + table["tested on"])[~own]
    numbers = _extremes(pairs, "pair", "accuracy") | {
        "own": float(table.loc[own, "accuracy"].mean()),
        "transferred": float(pairs["accuracy"].mean()),
        "majority": float(table.loc[own, "majority"].mean()),
    }
    yield Sentence(
        "probe",
        "A linear probe gets {own:.1f}% of words right in the language that it was trained on and "
        "{transferred:.1f}% in others, from {lowest:.1f}% ({worst}) to {highest:.1f}% ({best}); "
        "the most frequent tag alone gets {majority:.1f}%.",
        numbers,
    )


def rotation(table: pd.DataFrame) -> Iterator[Sentence]:
    """The effect of rotated states on mean F1."""
    for (task, corpus), rows in table.groupby(["task", "corpus"], sort=False):
        (mean,) = rows[rows["language"] == MACRO].to_dict("records")
        numbers = {
            "task": task,
            "corpus": corpus,
            "languages": mean["languages"],
            "plain": mean["f1"],
            "rotated": mean["f1 rotated"],
            "gain": mean["gain"],
        }
        over = counted("languages", mean["languages"], "language")
        words = (
            f"{{corpus}}, model {{task}}: with states rotated onto English, mean F1 of {over} "
            "goes from {plain:.1f} to {rotated:.1f} points, a difference of {gain:+z.1f}"
        )
        if pd.notna(mean["low"]):
            numbers |= {"level": mean["level (%)"], "low": mean["low"], "high": mean["high"]}
            words += " ({level:.0f} % interval {low:+z.1f} to {high:+z.1f}"
            words += ", which includes zero)." if mean["low"] <= 0 <= mean["high"] else ")."
        else:
            words += "; there are too few questions for an interval."
        yield Sentence("rotation", words, numbers)


def _extremes(rows: pd.DataFrame, name: str, value: str) -> dict[str, str | float]:
    """The names and values of the rows with the largest and the smallest value."""
    best, worst = rows.loc[rows[value].idxmax()], rows.loc[rows[value].idxmin()]
    return {
        "best": str(best[name]),
        "highest": float(best[value]),
        "worst": str(worst[name]),
        "lowest": float(worst[value]),
    }


SAYS: dict[str, Callable[[pd.DataFrame], Iterator[Sentence]]] = {
    "retrieval": retrieval,
    "alignment": alignment,
    "probe": probe,
    "cloze": partial(consistency, measure="cloze"),
    "rank_consistency": partial(consistency, measure="rank_consistency"),
    "rotation": rotation,
}
"""The function that describes each table with rows."""


def of_relation(table: pd.DataFrame) -> list[Sentence]:
    """Each measure's correlation with the drop in F1 under attack; one sentence for those without.

    Args:
        table: `xltlib.analysis.relation.correlations`.
    """
    found, without = [], {}
    for row in table[table["outcome"] == "drop in f1"].to_dict("records"):
        if row["Spearman's rho"] != row["Spearman's rho"]:
            without[row["measure"]] = row["n languages"]
            continue
        measure = row["measure"][0].upper() + row["measure"][1:]
        words = f"{measure} against the drop in F1 under attack: Spearman's rho {{rho:+z.2f}} "
        words += f"({counted('n', row['n languages'], 'language')}, mean over "
        words += f"{counted('arms', row['n arms'], 'arm')}"
        numbers = {"rho": row["Spearman's rho"], "n": row["n languages"], "arms": row["n arms"]}
        if row["p (Holm)"] == row["p (Holm)"]:
            words += p_value("p", row["p (Holm)"])
            words += " by permutation, with Holm's correction"
            numbers["p"] = row["p (Holm)"]
        words += "; exploratory)."
        found.append(Sentence(f"relation {row['measure']}", words, numbers))
    if without:
        listed = ", ".join(
            f"{name} ({counted(f'n_{i}', n, 'language')})"
            for i, (name, n) in enumerate(without.items())
        )
        words = (
            "No correlation with the drop in F1 under attack, because too few languages of one "
            f"corpus have both values, or one of the two does not vary: {listed}."
        )
        numbers = {f"n_{i}": n for i, n in enumerate(without.values())}
        found.append(Sentence("relation", words, numbers))
    return found
