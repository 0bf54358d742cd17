"""The pre-registration, written from params alone before there are any results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xltlib.analysis.blocks import MIN_EXAMPLES
from xltlib.analysis.intervals import MIN_SEEDS
from xltlib.analysis.robustness import MEASURES
from xltlib.params import Claim, Params
from xltlib.params.claims import ArmsEstimate
from xltlib.params.measures import SmallestEffects

DIRECTIONS = {
    "above": "the difference is above zero",
    "below": "the difference is below zero",
    "not above": "the difference is smaller than one that would matter",
}


def preregistered(params: Params, conditions: Mapping[str, Sequence[str]]) -> str:
    """Markdown: hypotheses, primary outcome, exclusions, smallest effects, multiplicity.

    Args:
        conditions: for each claim about arms, the names of its conditions.
    """
    primary = [name for name, claim in params.claims.items() if claim.primary]
    lines = ["**Hypotheses**", ""]
    lines += [
        f"- *{name}*: {_hypothesis(claim, conditions.get(name, ()))}"
        for name, claim in params.claims.items()
    ]
    lines += [
        "",
        f"**Primary outcome.** {', '.join(primary) or 'None'}: one test, uncorrected. Every other "
        "claim is secondary, with Holm's correction over the comparisons of a claim; the tables of "
        "contrasts are exploratory.",
        "",
        *_seeds(params.claims),
        "**Exclusions.** Languages that an arm of a contrast has trained on; test sets with fewer "
        f"than {MIN_EXAMPLES} independent questions or passages in a language; from success rates, "
        "examples that were "
        "skipped, had no candidates or ended in an error. No p-value is given with fewer than "
        f"{MIN_SEEDS} seeds or on synthetic data. No seed is left out, even if its training "
        "collapsed.",
        "",
        "**Smallest effects of interest**",
        "",
    ]
    for name, field in SmallestEffects.model_fields.items():
        value = getattr(params.analysis.smallest_effects, name)
        lines.append(f"- {field.description}: {value:g}")
    return "\n".join(lines)


def _seeds(claims: Mapping[str, Claim]) -> list[str]:
    """The rule on the number of seeds, where a claim has one."""
    return [
        line
        for name, claim in claims.items()
        if claim.needs.varied
        for line in (
            f"**Seeds.** *{name}* needs {claim.needs.seeds}, or {claim.needs.varied.seeds} if the "
            "standard deviation of its estimate over seeds is more than "
            f"{claim.needs.varied.above:g} points.",
            "",
        )
    ]


def _hypothesis(claim: Claim, conditions: Sequence[str]) -> str:
    words = claim.statement.strip()
    if not isinstance(claim.estimate, ArmsEstimate):
        return f"{words} Expected: {DIRECTIONS[claim.expected]}."
    treated, control = claim.estimate.contrast
    measure = MEASURES[claim.estimate.metric]
    under = ""
    if measure.name != "clean":
        named = ", ".join(conditions) or "none in this profile"
        under = (
            f", mean over the {claim.estimate.conditions} conditions ({named}), equally weighted"
        )
    return (
        f"{words} Measured: {measure.name} ({measure.words}), {treated} minus {control}{under}. "
        f"Expected: {DIRECTIONS[claim.expected]}."
    )
