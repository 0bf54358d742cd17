"""What each kind of claim is measured by: from answers and attacks to intervals."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from xltlib.analysis.bootstrap import MIN_EXAMPLES, Interval, interval_of, paired_bootstrap
from xltlib.analysis.generalised import in_view
from xltlib.languages import SYNTACTIC_DISTANCE
from xltlib.params import STANDARD
from xltlib.params.claims import ArmsEstimate, DistanceEstimate, MethodsEstimate

DISTANCE_UNIT = 0.1


def of_arms(
    estimate: ArmsEstimate, clean: pd.DataFrame, attacked: pd.DataFrame, **resampling: Any
) -> dict[str, Interval]:
    """Treated minus control over the zero-shot test sets, each question's mean over the attacks.

    Test sets with fewer than `MIN_EXAMPLES` questions are left out.
    """
    treated, control = estimate.contrast
    if estimate.metric == "clean":
        frame = clean.rename(columns={"f1": "value"})
    else:
        before = attacked["original_f1"] if estimate.metric == "change" else 0.0
        frame = attacked.assign(value=attacked["attacked_f1"] - before)
        met = frame.groupby("attack")["arm"].agg(lambda arms: {treated, control} <= set(arms))
        frame = frame[frame["attack"].isin(met.index[met.astype(bool)])]
    frame = frame[(frame["language"] != "en") & frame["arm"].isin([treated, control])]
    # The unit is the question, whatever attacks it met.
    keys = ["arm", "seed", "corpus", "language", "id"]
    frame = frame.groupby(keys, as_index=False)["value"].mean()
    asked = frame.groupby(["corpus", "language"])["id"].transform("nunique")
    frame = frame[asked >= MIN_EXAMPLES]
    if {treated, control} - set(frame["arm"]):
        return {}
    weights = {treated: 1.0, control: -1.0}
    return {f"{treated} - {control}": paired_bootstrap(frame, "value", weights, **resampling)}


def of_methods(
    estimate: MethodsEstimate, answers: pd.DataFrame, **resampling: Any
) -> dict[str, Interval]:
    """Each robust method minus standard training, macro over the corpora; items are the unit."""
    items = _items(answers, estimate.corpora, estimate.pairs)
    return _against_standard(items, **resampling)


def of_distance(
    estimate: DistanceEstimate, answers: pd.DataFrame, **resampling: Any
) -> dict[str, Interval]:
    """The slope of each method's gain over the distance of a pair's languages from English.

    Least squares over the pairs; an item is answered in every pair, so it has a slope of its own,
    and items are the unit. Fewer than three distances give none.
    """
    pairs = _over_arms(answers, estimate.corpora)
    if not len(pairs):
        return {}
    distance = (
        pairs["sentence1"].map(SYNTACTIC_DISTANCE) + pairs["sentence2"].map(SYNTACTIC_DISTANCE)
    ) / 2
    pairs = pairs.assign(distance=distance / DISTANCE_UNIT)
    slopes = []
    for corpus, part in pairs.groupby("corpus"):
        of_pairs = part.drop_duplicates(["sentence1", "sentence2"])["distance"]
        if of_pairs.nunique() < 3:
            continue
        centred = part["distance"] - of_pairs.mean()
        share = centred / ((of_pairs - of_pairs.mean()) ** 2).sum()
        slopes.append(
            part.assign(value=part["correct"] * share)
            .groupby(["method", "seed", "id"], as_index=False, sort=False)["value"]
            .sum()
            .assign(corpus=corpus, language="slope")
        )
    return _against_standard(pd.concat(slopes), **resampling) if slopes else {}


def _items(answers: pd.DataFrame, corpora: list[str], view: str) -> pd.DataFrame:
    """Each item's mean over the pairs of a view, by corpus, method and seed."""
    chosen = _over_arms(answers, corpora)
    chosen = chosen[in_view(chosen, view)].rename(columns={"correct": "value"})
    keys = ["method", "seed", "corpus", "id"]
    return chosen.groupby(keys, as_index=False, sort=False)["value"].mean().assign(language=view)


def _over_arms(answers: pd.DataFrame, corpora: list[str]) -> pd.DataFrame:
    """Answers to some corpora, the mean over arms where a method crosses several."""
    keys = ["method", "seed", "corpus", "id", "sentence1", "sentence2"]
    chosen = answers[answers["corpus"].isin(corpora)]
    return chosen.groupby(keys, as_index=False, sort=False)["correct"].mean()


def _against_standard(items: pd.DataFrame, **resampling: Any) -> dict[str, Interval]:
    """Every method minus standard training, where both answered the same corpora."""
    frame = items.rename(columns={"method": "arm"})
    standard = set(frame.loc[frame["arm"] == STANDARD, "corpus"])
    found = {}
    for method in (name for name in dict.fromkeys(frame["arm"]) if name != STANDARD):
        both = standard & set(frame.loc[frame["arm"] == method, "corpus"])
        part = frame[frame["corpus"].isin(both) & frame["arm"].isin([method, STANDARD])]
        if both:
            weights = {method: 1.0, STANDARD: -1.0}
            found[method] = paired_bootstrap(part, "value", weights, **resampling)
    return found


def of_distractors(
    attacked: pd.DataFrame, attacks: Collection[str], **resampling: Any
) -> dict[str, Interval]:
    """Share of questions whose worst distractor is English, minus that in the passage's language.

    Questions in other languages, those that every seed attacked; each is a mean over the arms.

    Args:
        attacked: also holds `inserted`, the language of the sentence that the attack put in.
        attacks: those that try as many English sentences as sentences in the passage's language.
    """
    tried = attacked[attacked["attack"].isin(list(attacks))]
    tried = tried[(tried["outcome"] != "skipped") & (tried["language"] != "en")]
    tried = tried[tried["inserted"].notna()]
    value = np.where(tried["inserted"] == "en", 1.0, -1.0)
    keys = ["seed", "corpus", "language", "id"]
    means = tried.assign(value=value).groupby(keys, as_index=False)["value"].mean()
    blocks = []
    for _, part in means.groupby(["corpus", "language"]):
        table = part.pivot(index="seed", columns="id", values="value").dropna(axis=1)
        if table.shape[1] >= MIN_EXAMPLES:
            blocks.append(table.to_numpy())
    if not blocks or len({block.shape[0] for block in blocks}) > 1:
        return {}
    shares = [1 / len(blocks)] * len(blocks)
    return {"English - passage's language": interval_of(blocks, shares, **resampling)}
