"""What may be said of the headline question, in words computed from the numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from xltlib.analysis.bootstrap import MIN_EXAMPLES
from xltlib.analysis.tables import Headline
from xltlib.languages import TYDI

Kind = Literal["supported", "contradicted", "inconclusive", "not answered by this profile"]
MIN_SEEDS = 5
TARGETS = tuple(code for code in TYDI if code != "en")


@dataclass(frozen=True)
class Verdict:
    """The kind, a sentence with the numbers, and the reasons for the kind."""

    kind: Kind
    sentence: str
    reasons: list[str] = field(default_factory=list)


def shortfalls(*, n_seeds: int, languages: list[str], synthetic: bool) -> list[str]:
    """Why a profile cannot answer the headline question; empty if it can."""
    reasons = []
    if synthetic:
        reasons.append("Its data is synthetic: it shows that the study runs, not what holds.")
    if n_seeds < MIN_SEEDS:
        reasons.append(f"It has {n_seeds} seed(s); the question needs at least {MIN_SEEDS}.")
    missing = [code for code in TARGETS if code not in languages]
    if missing:
        reasons.append(f"TyDi QA is not attacked in {', '.join(missing)}.")
    return reasons


def headline(
    contrast: Headline | None,
    *,
    languages: list[str],
    synthetic: bool,
    smallest_effect: float,
) -> Verdict:
    """Is the multilingual arm more robust than the English one?

    Args:
        contrast: the intervals of multilingual - english, None where there is nothing to compare.
        smallest_effect: points that would matter.
    """
    if contrast is None:
        reason = "It lacks the english or the multilingual arm, or attacks English alone."
        return Verdict("not answered by this profile", "There is nothing to compare.", [reason])
    did, clean = contrast.difference_in_differences, contrast.clean
    sentence = (
        f"Under attack the multilingual arm's F1 changes by {did.estimate:+.1f} points relative to "
        f"the English arm's ({100 * did.level:.0f} % interval {did.low:+.1f} to {did.high:+.1f}, "
        f"n = {did.n_examples} questions in {did.n_languages} test sets, {did.n_seeds} seed(s); "
        f"covers {did.covers}); on clean text the arms differ by {clean.estimate:+.1f} points "
        f"({clean.low:+.1f} to {clean.high:+.1f})."
    )
    reasons = shortfalls(n_seeds=did.n_seeds, languages=languages, synthetic=synthetic)
    if math.isnan(did.low):
        reasons.append(f"Some language has fewer than {MIN_EXAMPLES} attacked questions.")
    if reasons:
        return Verdict("not answered by this profile", sentence, reasons)
    if did.low > 0 and did.estimate >= smallest_effect:
        return Verdict("supported", sentence, ["The whole interval is above zero."])
    if did.high < 0:
        return Verdict("contradicted", sentence, ["The whole interval is below zero."])
    if did.high < smallest_effect:
        reason = f"An advantage of {smallest_effect:.1f} points or more lies outside the interval."
        return Verdict("contradicted", sentence, [reason])
    return Verdict("inconclusive", sentence, ["The interval holds zero and effects that matter."])


def what_it_can_answer(
    *, n_seeds: int, languages: list[str], synthetic: bool, arms: list[str]
) -> list[str]:
    """What a profile can and cannot answer, from its params alone."""
    reasons = shortfalls(n_seeds=n_seeds, languages=languages, synthetic=synthetic)
    if not {"multilingual", "english"} <= set(arms):
        reasons.append("It lacks the english or the multilingual arm.")
    if not reasons:
        return ["It can answer the headline question, up to the width of its intervals."]
    return ["The headline question is not answered by this profile.", *reasons]
