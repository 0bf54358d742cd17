"""The estimate for each kind of claim: from answers and attacks to intervals."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from xltlib.analysis.blocks import Block
from xltlib.analysis.conditions import TRIED
from xltlib.analysis.generalised import in_view
from xltlib.analysis.intervals import MIN_EXAMPLES, Interval, contrast, interval
from xltlib.analysis.robustness import MEASURES, values
from xltlib.languages import SYNTACTIC_DISTANCE
from xltlib.params import STANDARD
from xltlib.params.claims import ArmsEstimate, DistanceEstimate, MethodsEstimate

DISTANCE_UNIT = 0.1


def of_arms(
    estimate: ArmsEstimate,
    clean: pd.DataFrame,
    attacked: pd.DataFrame,
    *,
    seen: Mapping[str, Collection[str]],
    level: float,
) -> tuple[dict[str, Interval], list[str]]:
    """Treated minus control, questions averaged over conditions; and the languages left out.

    Only languages that neither arm has trained on are included. Test sets with fewer than
    `MIN_EXAMPLES` questions are left out too.

    Args:
        clean: answers to clean test sets. attacked: `xltlib.analysis.conditions` of the kind that
            the estimate names.
        seen: the languages that each arm has trained on.
    """
    treated, control = estimate.contrast
    measure = MEASURES[estimate.metric]
    trained = {"en"}.union(*(seen.get(arm, ()) for arm in estimate.contrast))
    if estimate.metric == "clean":
        frame = clean.assign(value=clean["f1"])
        left_out = _left_out(frame, trained)
        frame = frame[~frame["language"].isin(trained)]
    else:
        left_out = _left_out(attacked, trained)
        parts = [
            values(part, estimate.metric)
            for _, part in attacked[~attacked["language"].isin(trained)].groupby("attack")
            if {treated, control} <= set(part["arm"])
        ]
        frame = pd.concat(parts) if parts else attacked.iloc[:0].assign(value=0.0)
    frame = frame[frame["arm"].isin([treated, control])]
    # The unit is the question, whatever its condition.
    keys = ["arm", "seed", "corpus", "language", "id", *(["passage"] if "passage" in frame else [])]
    frame = frame.groupby(keys, as_index=False)["value"].mean()
    asked = frame.groupby(["corpus", "language"])["id"].transform("nunique")
    frame = frame[asked >= MIN_EXAMPLES]
    if {treated, control} - set(frame["arm"]):
        return {}, left_out
    weights = {treated: 1.0, control: -1.0}
    found = contrast(frame, "value", weights, level=level, scale=measure.scale, most=measure.most)
    return {f"{treated} - {control}": found}, left_out


def _left_out(frame: pd.DataFrame, trained: Collection[str]) -> list[str]:
    return sorted((set(frame["language"]) & set(trained)) - {"en"})


def of_methods(
    estimate: MethodsEstimate, answers: pd.DataFrame, *, level: float
) -> dict[str, Interval]:
    """Each robust method minus standard training, macro over the corpora; items are the unit."""
    items = _items(answers, estimate.corpora, estimate.pairs)
    return _against_standard(items, level=level)


def of_distance(
    estimate: DistanceEstimate, answers: pd.DataFrame, *, level: float
) -> dict[str, Interval]:
    """The slope of each method's gain on the distance of a pair's languages from English.

    Fitted by least squares over the pairs. Every item is answered in every pair, so each item has
    its own slope and is the unit. With fewer than three distances there is no slope.
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
    return _against_standard(pd.concat(slopes), level=level) if slopes else {}


def _items(answers: pd.DataFrame, corpora: list[str], view: str) -> pd.DataFrame:
    """Each item's mean over the pairs of a view, by corpus, method and seed."""
    chosen = _over_arms(answers, corpora)
    chosen = chosen[in_view(chosen, view)].rename(columns={"correct": "value"})
    keys = ["method", "seed", "corpus", "id"]
    return chosen.groupby(keys, as_index=False, sort=False)["value"].mean().assign(language=view)


def _over_arms(answers: pd.DataFrame, corpora: list[str]) -> pd.DataFrame:
    """Answers to some corpora, averaged over arms if a method is used with several."""
    keys = ["method", "seed", "corpus", "id", "sentence1", "sentence2"]
    chosen = answers[answers["corpus"].isin(corpora)]
    return chosen.groupby(keys, as_index=False, sort=False)["correct"].mean()


def _against_standard(items: pd.DataFrame, *, level: float) -> dict[str, Interval]:
    """Every method minus standard training, where both answered the same corpora."""
    frame = items.rename(columns={"method": "arm"})
    standard = set(frame.loc[frame["arm"] == STANDARD, "corpus"])
    found = {}
    for method in (name for name in dict.fromkeys(frame["arm"]) if name != STANDARD):
        both = standard & set(frame.loc[frame["arm"] == method, "corpus"])
        part = frame[frame["corpus"].isin(both) & frame["arm"].isin([method, STANDARD])]
        if both:
            weights = {method: 1.0, STANDARD: -1.0}
            found[method] = contrast(part, "value", weights, level=level)
    return found


def of_distractors(
    attacked: pd.DataFrame, attacks: Collection[str], *, level: float
) -> dict[str, Interval]:
    """Share of questions whose worst distractor is English, minus that in the passage's language.

    Only questions in other languages that were attacked with every seed, averaged over the arms.

    Args:
        attacked: also has `inserted`, the language of the sentence that the attack inserted.
        attacks: those that try as many English sentences as sentences in the passage's language.
    """
    tried = attacked[attacked["attack"].isin(list(attacks))]
    tried = tried[tried["outcome"].isin(TRIED) & (tried["language"] != "en")]
    tried = tried[tried["inserted"].notna()]
    value = np.where(tried["inserted"] == "en", 1.0, -1.0)
    keys = ["seed", "corpus", "language", "id"]
    means = tried.assign(value=value).groupby(keys, as_index=False)["value"].mean()
    blocks, languages = [], []
    for (corpus, language), part in means.groupby(["corpus", "language"]):
        table = part.pivot(index="seed", columns="id", values="value").dropna(axis=1)
        if table.shape[1] >= MIN_EXAMPLES:
            blocks.append(Block.independent(table.to_numpy(), f"{corpus}/{language}"))
            languages.append(str(language))
    if not blocks or len({block.values.shape[-2] for block in blocks}) > 1:
        return {}
    shares = [1 / len(blocks)] * len(blocks)
    found = interval(blocks, shares, level=level, languages=languages)
    return {"English - passage's language": found}
