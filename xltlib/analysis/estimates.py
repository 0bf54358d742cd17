"""The estimate for each kind of claim: from answers and attacks to intervals."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from xltlib.analysis.blocks import common_seeds, where_all, where_all_were_tested
from xltlib.analysis.conditions import TRIED
from xltlib.analysis.generalised import in_view, items
from xltlib.analysis.intervals import NO_COMMON_SEED, Interval, contrast
from xltlib.analysis.robustness import MEASURES, is_defined, over_conditions, values
from xltlib.languages import SYNTACTIC_DISTANCE
from xltlib.params import STANDARD
from xltlib.params.claims import ArmsEstimate, DistanceEstimate, MethodsEstimate

DISTANCE_UNIT = 0.1


@dataclass(frozen=True)
class OfArms:
    """The comparison of two arms, and what it leaves out.

    Attributes:
        left_out: languages that an arm has trained on.
        undefined: conditions in which the measure is undefined for one of the models.
    """

    intervals: dict[str, Interval]
    left_out: list[str]
    undefined: list[str]


def of_arms(
    estimate: ArmsEstimate,
    clean: pd.DataFrame,
    attacked: pd.DataFrame,
    *,
    seen: Mapping[str, Collection[str]],
    level: float,
) -> OfArms:
    """Treated minus control: the mean over conditions, each a macro mean over languages.

    Only languages that neither arm has trained on are included, and only conditions and test sets
    that both arms met. Test sets with fewer than `MIN_EXAMPLES` units are left out.

    Args:
        clean: answers to clean test sets. attacked: `xltlib.analysis.conditions` of the kind that
            the estimate names.
        seen: the languages that each arm has trained on.
    """
    pair = estimate.contrast
    treated, control = pair
    measure = MEASURES[estimate.metric]
    trained = {"en"}.union(*(seen.get(arm, ()) for arm in pair))
    frame = clean if estimate.metric == "clean" else attacked
    left_out = sorted((set(frame["language"]) & trained) - {"en"})
    frame = frame[~frame["language"].isin(trained)]
    clean_only = estimate.metric == "clean"
    conditions = [("clean", frame)] if clean_only else frame.groupby("attack")
    parts = {}
    for name, condition in conditions:
        part = where_all_were_tested(condition, pair)
        part = part.assign(value=part["f1"]) if clean_only else values(part, estimate.metric)
        part = part[part["arm"].isin(pair)]
        if set(part["arm"]) == set(pair):
            parts[str(name)] = part
    undefined = [name for name, part in parts.items() if not is_defined(part, measure.name)]
    if undefined or not parts:
        return OfArms({}, left_out, undefined)
    # A seed that met only some of the conditions would have only a part of their mean.
    seeds = set.intersection(*(common_seeds(part, pair) for part in parts.values()))
    if not seeds:
        unknown = Interval.unknown(NO_COMMON_SEED, level)
        return OfArms({f"{treated} - {control}": unknown}, left_out, [])
    parts = {name: part[part["seed"].isin(seeds)] for name, part in parts.items()}
    found = contrast(
        over_conditions(parts),
        "value",
        {treated: 1.0, control: -1.0},
        level=level,
        scale=measure.scale,
        most=measure.most,
    )
    return OfArms({f"{treated} - {control}": found}, left_out, [])


def of_methods(
    estimate: MethodsEstimate, answers: pd.DataFrame, *, level: float
) -> dict[str, Interval]:
    """Each robust method minus standard training, macro over the corpora; items are the unit."""
    chosen = answers[answers["corpus"].isin(estimate.corpora) & in_view(answers, estimate.pairs)]
    return _against_standard(chosen.rename(columns={"correct": "value"}), level=level)


def of_distance(
    estimate: DistanceEstimate, answers: pd.DataFrame, *, level: float
) -> dict[str, Interval]:
    """The slope of each method's gain on the distance of a pair's languages from English.

    Fitted by least squares over the pairs. Every item is answered in every pair, so each item has
    its own slope and is the unit. With fewer than three distances there is no slope.
    """
    pairs = answers[answers["corpus"].isin(estimate.corpora)]
    distance = (
        pairs["sentence1"].map(SYNTACTIC_DISTANCE) + pairs["sentence2"].map(SYNTACTIC_DISTANCE)
    ) / 2
    slopes = []
    for _, part in pairs.assign(distance=distance / DISTANCE_UNIT).groupby("corpus"):
        of_pairs = part.drop_duplicates(["sentence1", "sentence2"])["distance"]
        if of_pairs.nunique() < 3:
            continue
        centred = part["distance"] - of_pairs.mean()
        # An item's slope is the sum over the pairs; the mean of these values is that sum.
        share = len(of_pairs) * centred / ((of_pairs - of_pairs.mean()) ** 2).sum()
        slopes.append(part.assign(value=part["correct"] * share))
    return _against_standard(pd.concat(slopes), level=level) if slopes else {}


def _against_standard(pairs: pd.DataFrame, *, level: float) -> dict[str, Interval]:
    """Every method minus standard training, in the corpora and arms in which both were trained,
    over the seeds that both have in all of these.

    Args:
        pairs: `generalised.with_languages`, with `value`; an item's is its mean over the pairs.
    """
    found = {}
    for method in (name for name in dict.fromkeys(pairs["method"]) if name != STANDARD):
        used = pairs[pairs["method"].isin([method, STANDARD])]
        used = where_all(used, ["corpus", "arm"], "method", {method, STANDARD})
        if not len(used):
            continue
        # If seeds differed between arms, a method's score would depend on which arms it has.
        trained = used.drop_duplicates(["corpus", "arm", "method", "seed"])
        models = trained[["corpus", "arm", "method"]].drop_duplicates()
        counts = trained["seed"].value_counts()
        used = used[used["seed"].isin(counts.index[counts == len(models)])]
        if not len(used):
            found[method] = Interval.unknown(NO_COMMON_SEED, level)
            continue
        answered = items(used, "value").rename(columns={"method": "arm"})
        found[method] = contrast(
            # The corpora weigh the same.
            answered.assign(language=answered["corpus"]),
            "value",
            {method: 1.0, STANDARD: -1.0},
            level=level,
            languages=sorted({*used["sentence1"], *used["sentence2"]}),
        )
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
    place = ["corpus", "language", "id", *(["passage"] if "passage" in tried else [])]
    means = tried.assign(value=value, arm="all").groupby([*place, "seed", "arm"], dropna=False)
    shares = means["value"].mean().reset_index()
    seeds = shares.groupby("corpus")["seed"].transform("nunique")
    shares = shares[shares.groupby(place, dropna=False)["seed"].transform("size") == seeds]
    if not len(shares):
        return {}
    return {"English - passage's language": contrast(shares, "value", {"all": 1.0}, level=level)}
