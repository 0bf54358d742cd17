"""What may be said of the headline question, in words computed from the numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

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


@dataclass(frozen=True)
class Claim:
    """A published claim, and what this profile says of it."""

    statement: str
    corpus: str
    kind: Literal["supported", "not supported", "not answered by this profile"]
    sentence: str
    reasons: list[str]


# Robust-XLT (Huang et al. 2021): corpus, its name, points gained, and languages of its test set.
ROBUST_XLT = (("pawsx", "PAWS-X", 2.1, 7), ("xnli", "XNLI", 1.6, 15))
MIN_CLAIM_SEEDS = 3


def transfer_claims(means: pd.DataFrame, *, synthetic: bool, encoder: str) -> list[Claim]:
    """What the profile says of the gains that Robust-XLT reports in generalised transfer.

    A claim is supported when some method's gain over standard training on all pairs is above zero
    (its interval, and its p-value after Holm's correction over the methods) and its interval
    reaches the claimed size; it is not supported otherwise.

    Args:
        means: `xltlib.analysis.transfer.mean_table`, perhaps empty.
    """
    return [
        _robust_claim(means, corpus, name, size, languages, synthetic, encoder)
        for corpus, name, size, languages in ROBUST_XLT
    ]


def _robust_claim(
    means: pd.DataFrame,
    corpus: str,
    name: str,
    size: float,
    languages: int,
    synthetic: bool,
    encoder: str,
) -> Claim:
    statement = (
        f"Robust training gains {size} points on {name} in generalised transfer "
        "(Huang et al. 2021)."
    )
    rows = means
    if len(means):
        rows = means[
            (means["corpus"] == corpus) & (means["pairs"] == "all pairs") & means["gain"].notna()
        ]
    if not len(rows):
        reason = f"No robust method is compared with standard training on pairs of {name}."
        return Claim(statement, corpus, "not answered by this profile", "", [reason])
    found = "; ".join(
        f"{row.method} {row.gain:+.1f} ({row.low:+.1f} to {row.high:+.1f})"
        for row in rows.itertuples()
    )
    first = rows.iloc[0]
    sentence = (
        f"Gains over standard training, in points with their intervals: {found}; "
        f"n = {first['n']} items in {first['n pairs']} pairs, {first['seeds']} seed(s)."
    )
    reasons = []
    if synthetic:
        reasons.append("Its data is synthetic: it shows that the study runs, not what holds.")
    if first["seeds"] < MIN_CLAIM_SEEDS:
        reasons.append(f"It has {first['seeds']} seed(s); the claim needs {MIN_CLAIM_SEEDS}.")
    if reasons:
        return Claim(statement, corpus, "not answered by this profile", sentence, reasons)
    level = 0.05
    helps = rows[(rows["low"] > 0) & (rows["p (Holm)"] < level)]
    reaches = helps[helps["high"] >= size]
    scope = (
        f"This is {encoder} on {first['n pairs']} pairs; the claim is of mBERT on "
        f"{languages**2} pairs."
    )
    if len(reaches):
        names = ", ".join(reaches["method"])
        reason = f"The gain of {names} is above zero, and {size} lies not above its interval."
        return Claim(statement, corpus, "supported", sentence, [reason, scope])
    if len(helps):
        reason = f"{', '.join(helps['method'])} gains, but by less than {size} points."
    else:
        reason = "No method's gain is above zero after Holm's correction."
    return Claim(statement, corpus, "not supported", sentence, [reason, scope])


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
