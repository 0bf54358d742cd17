"""Whether a run's training worked: comparisons with the untrained arm and published scores."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from xltlib.params.measures import Published


def english_losses(clean: pd.DataFrame, corpus: str, untrained: str) -> dict[str, float]:
    """How far each arm's English F1 is below the untrained arm's, in points, mean over the seeds
    that both have.

    Args:
        clean: evaluated questions with columns arm, corpus, language, seed and f1 in [0, 1].
        corpus: the target task's own corpus; all its test sets count.
        untrained: the arm that skips intermediate training; if absent, nothing is compared.
    """
    # A test set's name is its corpus, or corpus/split where there are several.
    own = clean["corpus"].astype(str).str.split("/").str[0] == corpus
    english = clean[own & (clean["language"] == "en")]
    means = 100 * english.groupby(["arm", "seed"])["f1"].mean().unstack("seed")
    if untrained not in means.index:
        return {}
    losses = (means.loc[untrained] - means.drop(index=untrained)).mean(axis=1).dropna()
    return {str(arm): float(loss) for arm, loss in losses.items()}


def beside_published(
    clean: pd.DataFrame, published: Sequence[Published], untrained: str
) -> pd.DataFrame:
    """The untrained arm's F1 and published F1: one row per source and language, and an average.

    Columns source, corpus, language, published, here, difference (here minus published), in points,
    and n, the questions asked here. Languages that this run has not tested are left out, also from
    the average.
    """
    rows = []
    for one in published:
        mine = clean[(clean["corpus"] == one.corpus) & (clean["arm"] == untrained)]
        asked = mine.groupby("language")["id"].nunique()
        here = 100 * mine.groupby(["language", "seed"])["f1"].mean().groupby("language").mean()
        shared = [code for code in one.f1 if code in here.index]
        found = [(code, one.f1[code], float(here[code]), int(asked[code])) for code in shared]
        if found:
            _, theirs, ours, counts = zip(*found, strict=True)
            average = (sum(scores) / len(found) for scores in (theirs, ours))
            found.append(("average", *average, sum(counts)))
        rows += [
            {"source": one.source, "corpus": one.corpus, "language": code}
            | {"published": theirs, "here": ours, "difference": ours - theirs, "n": n}
            for code, theirs, ours, n in found
        ]
    return pd.DataFrame(rows, columns=COLUMNS)


COLUMNS = ["source", "corpus", "language", "published", "here", "difference", "n"]
