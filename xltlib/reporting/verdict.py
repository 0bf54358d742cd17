"""What may be said of a claim: one of four words, computed from intervals, with its reasons."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from statsmodels.stats.multitest import multipletests

from xltlib.analysis.bootstrap import MIN_EXAMPLES, Interval
from xltlib.analysis.power import detectable
from xltlib.params import Claim, Needs
from xltlib.reporting.findings import Sentence, counted

Kind = Literal["supported", "contradicted", "inconclusive", "not answered by this profile"]
NOT_ANSWERED: Kind = "not answered by this profile"


@dataclass(frozen=True)
class Scope:
    """What a profile's numbers come from: its data, its seeds, and the languages it attacks."""

    synthetic: bool
    n_seeds: int
    attacked_languages: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """The kind, a sentence with the numbers, the reasons for the kind, and the intervals.

    `unit` is what the intervals are in, such as points of F1.
    """

    name: str
    statement: str
    source: str
    kind: Kind
    unit: str
    finding: Sentence
    reasons: list[Sentence] = field(default_factory=list)
    intervals: dict[str, Interval] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """For JSON, which has no NaN."""
        record = asdict(self)
        for interval in record["intervals"].values():
            for key, value in interval.items():
                interval[key] = None if value != value else value
        return record


def missing(needs: Needs, scope: Scope) -> list[Sentence]:
    """Why a profile cannot answer a claim, whatever it finds; empty if it can."""
    reasons = []
    if scope.synthetic:
        text = "Its data is synthetic: it shows that the study runs, not what holds."
        reasons.append(Sentence("synthetic", text, {}))
    if scope.n_seeds < needs.seeds:
        text = f"It has {counted('seeds', scope.n_seeds, 'seed')}; the claim needs {{needed}}."
        reasons.append(Sentence("seeds", text, {"seeds": scope.n_seeds, "needed": needs.seeds}))
    lacking = [code for code in needs.attacked_languages if code not in scope.attacked_languages]
    if lacking:
        text = f"TyDi QA is not attacked in {', '.join(lacking)}."
        reasons.append(Sentence("languages", text, {}))
    return reasons


def judge(
    name: str,
    claim: Claim,
    intervals: Mapping[str, Interval],
    scope: Scope,
    *,
    unit: str,
    smallest_effect: float,
) -> Verdict:
    """The verdict on a claim.

    A claim of an effect is supported when some interval lies above zero, after Holm's correction
    where there are several, and reaches the published size (where none is published, the estimate
    reaches the smallest effect that matters). It is contradicted when every interval excludes an
    effect of that size, or lies on the other side of zero. A claim that there is no such effect is
    supported when every interval excludes it, and contradicted by one that shows it. Anything else
    is inconclusive.

    Args:
        intervals: by what is compared, in points; empty where there is nothing to compare.
        smallest_effect: points that would matter.
    """

    def verdict(kind: Kind, reasons: list[Sentence]) -> Verdict:
        words = _finding(name, intervals, unit)
        return Verdict(
            name, claim.statement, claim.source, kind, unit, words, reasons, dict(intervals)
        )

    if not intervals:
        nothing = Sentence("nothing", "This profile has nothing to compare for it.", {})
        return verdict(NOT_ANSWERED, [nothing])
    reasons = missing(claim.needs, scope)
    if any(math.isnan(one.low) for one in intervals.values()):
        text = "Some language has fewer than {least} questions."
        reasons.append(Sentence("few", text, {"least": MIN_EXAMPLES}))
    if reasons:
        return verdict(NOT_ANSWERED, reasons)
    size = claim.size or smallest_effect
    sign = -1.0 if claim.expected == "below" else 1.0
    found = _shown(intervals, sign, size, published=claim.size is not None)
    excluded = all(_high(one, sign) < size for one in intervals.values())
    numbers = {"size": size, "level": 100 * next(iter(intervals.values())).level}
    expects_none = claim.expected == "not above"
    if found:
        text = (
            f"The effect of {', '.join(found)} is there, and {{size:.1f}} {unit} can be its size."
        )
        return verdict(
            "contradicted" if expects_none else "supported", [Sentence("shown", text, numbers)]
        )
    if excluded:
        text = (
            f"An effect of {{size:.1f}} {unit} or more lies outside the {{level:.0f}} % interval."
        )
        return verdict(
            "supported" if expects_none else "contradicted", [Sentence("excluded", text, numbers)]
        )
    least = min(detectable(one) for one in intervals.values())
    text = (
        f"The interval holds effects that matter ({{size:.1f}} {unit}) and none; four times in "
        f"five this profile would find {{detectable:.1f}} {unit}."
    )
    return verdict("inconclusive", [Sentence("open", text, numbers | {"detectable": least})])


def _high(interval: Interval, sign: float) -> float:
    return max(sign * interval.low, sign * interval.high)


def _shown(
    intervals: Mapping[str, Interval], sign: float, size: float, *, published: bool
) -> list[str]:
    """What is compared that shows the effect."""
    p_values = multipletests([one.p for one in intervals.values()], method="holm")[1]
    shown = []
    for (name, one), p in zip(intervals.items(), p_values, strict=True):
        above = min(sign * one.low, sign * one.high) > 0 and p < 1 - one.level
        reach = _high(one, sign) if published else sign * one.estimate
        if above and reach >= size:
            shown.append(name)
    return shown


def _finding(name: str, intervals: Mapping[str, Interval], unit: str) -> Sentence:
    """Every comparison with its interval and n."""
    if not intervals:
        return Sentence(name, "Nothing was measured.", {})
    parts, numbers = [], {}
    for i, (compared, one) in enumerate(intervals.items()):
        part = f"{compared} {{estimate_{i}:+.1f}}"
        numbers[f"estimate_{i}"] = one.estimate
        if not math.isnan(one.low):
            part += f" ({{low_{i}:+.1f}} to {{high_{i}:+.1f}})"
            numbers |= {f"low_{i}": one.low, f"high_{i}": one.high}
        parts.append(part)
    first: Any = next(iter(intervals.values()))
    words = (
        f"In {unit}, with {{level:.0f}} % intervals: {'; '.join(parts)}; n = {{n}} questions or "
        f"items in {counted('sets', first.n_languages, 'test set')}, "
        f"{counted('seeds', first.n_seeds, 'seed')}; covers {first.covers}."
    )
    counts = {"level": 100 * first.level, "n": first.n_examples, "sets": first.n_languages}
    return Sentence(name, words, numbers | counts | {"seeds": first.n_seeds})


def what_it_can_answer(claims: Mapping[str, Claim], scope: Scope) -> list[str]:
    """What a profile can and cannot answer, from its params alone."""
    lines = []
    for claim in claims.values():
        reasons = missing(claim.needs, scope)
        said = " ".join(map(str, reasons))
        answer = f"{NOT_ANSWERED}. {said}" if reasons else "can be answered, up to its intervals."
        lines.append(f"*{claim.statement}* {answer}")
    return lines
