"""The verdict on a claim: three statements, each from one interval, in fixed terms.

Is there an effect (its sign)? Is it as large as published? Is it large enough to matter? Each
method that a claim is about has its own line, so that a noisy one does not affect the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from xltlib.analysis.intervals import MIN_SEEDS, Interval
from xltlib.params import Claim, Needs

Effect = Literal["as claimed", "opposite", "not shown"]
Size = Literal["compatible", "smaller", "larger"]
Matters = Literal["large enough to matter", "too small to matter", "open"]
Kind = Literal[
    "supported",
    "contradicted",
    "too small to matter",
    "inconclusive",
    "not tested as stated",
    "not answered by this profile",
]
NOT_ANSWERED: Kind = "not answered by this profile"
NOT_AS_STATED: Kind = "not tested as stated"
KINDS: tuple[Kind, ...] = (
    "supported",
    "contradicted",
    "too small to matter",
    "inconclusive",
    NOT_AS_STATED,
    NOT_ANSWERED,
)


@dataclass(frozen=True)
class Held:
    """The data behind an interval, or the data that a profile plans before there is one."""

    synthetic: bool
    seeds: int
    languages: tuple[str, ...]
    questions: int | None = None
    seed_sd: float | None = None


@dataclass(frozen=True)
class Lack:
    """Why there is no answer: a name and the numbers or words that go with it."""

    name: Literal[
        "synthetic",
        "seeds",
        "seed sd",
        "languages",
        "questions",
        "training",
        "target training",
        "chance",
        "unchecked",
        "undefined",
        "interval",
        "nothing",
    ]
    found: Any = None
    needed: Any = None


@dataclass(frozen=True)
class Line:
    """The verdict on one comparison. Statements are None where it is not answered."""

    compared: str
    kind: Kind
    interval: Interval | None
    p_corrected: float | None = None
    effect: Effect | None = None
    size: Size | None = None
    matters: Matters | None = None
    lacks: tuple[Lack, ...] = ()

    def record(self) -> dict[str, Any]:
        return {
            "compared": self.compared,
            "kind": self.kind,
            "interval": self.interval.record() if self.interval else None,
            "p_corrected": self.p_corrected,
            "effect": self.effect,
            "size": self.size,
            "matters": self.matters,
            "lacks": [vars(lack) for lack in self.lacks],
        }


@dataclass(frozen=True)
class Verdict:
    """A claim and its lines.

    `unit` is the intervals' unit, `smallest` the smallest effect that would matter.
    """

    name: str
    claim: Claim
    unit: str
    smallest: float
    lines: list[Line]
    left_out: tuple[str, ...] = ()
    """Languages left out because an arm has trained on them."""
    notes: list[str] = field(default_factory=list)

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "statement": self.claim.statement,
            "source": self.claim.cited,
            "deviation": self.claim.deviation,
            "expected": self.claim.expected,
            "primary": self.claim.primary,
            "conditions": getattr(self.claim.estimate, "conditions", None),
            "published": self.claim.size,
            "unit": self.unit,
            "smallest": self.smallest,
            "left_out": list(self.left_out),
            "lines": [line.record() for line in self.lines],
        }


def missing(needs: Needs, held: Held) -> list[Lack]:
    """What an answer would need but lacks; empty if nothing is missing."""
    varied, lacks = needs.varied, [Lack("synthetic")] if held.synthetic else []
    if held.seeds < needs.seeds:
        lacks.append(Lack("seeds", held.seeds, needs.seeds))
    elif varied and held.seeds < varied.seeds and (held.seed_sd or 0.0) > varied.above:
        found = (held.seeds, held.seed_sd, varied.above)
        lacks.append(Lack("seed sd", found, varied.seeds))
    lacking = [code for code in needs.languages if code not in held.languages]
    if lacking:
        lacks.append(Lack("languages", lacking))
    if held.questions is not None and held.questions < needs.questions:
        lacks.append(Lack("questions", held.questions, needs.questions))
    return lacks


def judge(
    name: str,
    claim: Claim,
    intervals: Mapping[str, Interval],
    *,
    synthetic: bool,
    unit: str,
    smallest: float,
    left_out: Sequence[str] = (),
    lacks: Sequence[Lack] = (),
) -> Verdict:
    """One line per comparison; if there is nothing to compare, one line that says so.

    The claim's needs are checked against the data behind each interval. If a claim has several
    comparisons, p-values are corrected with Holm's method over those that are answered.

    Args:
        intervals: by comparison; empty if there is nothing to compare.
        synthetic: whether the data are synthetic; if so, no p-value is kept.
        unit, smallest: the measure's unit, and the smallest effect that would matter.
        lacks: other reasons why no comparison can be answered.
    """
    lines = []
    answered = {}
    if synthetic:
        intervals = {name: replace(one, p=float("nan")) for name, one in intervals.items()}
    for compared, one in intervals.items():
        held = Held(synthetic, one.n_seeds, one.languages, one.n_examples, one.seed_sd)
        its_lacks = [*missing(claim.needs, held), *lacks]
        if not one.known:
            its_lacks.append(Lack("interval", one.why_not))
        if not its_lacks:
            answered[compared] = one
        lines.append(Line(compared, NOT_ANSWERED, one, lacks=tuple(its_lacks)))
    if not intervals:
        its_lacks = [Lack("synthetic")] if synthetic else []
        its_lacks += [one for one in lacks if one.name == "undefined"] or [Lack("nothing")]
        lines.append(Line("", NOT_ANSWERED, None, lacks=tuple(its_lacks)))
    p_values = holm([one.p for one in answered.values()])
    judged = {
        compared: _line(compared, claim, one, p, smallest)
        for (compared, one), p in zip(answered.items(), p_values, strict=True)
    }
    lines = [judged.get(line.compared, line) for line in lines]
    return Verdict(name, claim, unit, smallest, lines, tuple(left_out))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's correction over the known p-values; NaN stays NaN."""
    # Imported here because statsmodels takes seconds, and verdicts are read more than made.
    from statsmodels.stats.multitest import multipletests

    known = [i for i, p in enumerate(p_values) if p == p]
    corrected = list(map(float, p_values))
    if known:
        found = multipletests([p_values[i] for i in known], method="holm")[1]
        for i, p in zip(known, found, strict=True):
            corrected[i] = float(p)
    return corrected


def _line(compared: str, claim: Claim, one: Interval, p: float, smallest: float) -> Line:
    sign = 1.0 if claim.expected == "above" else -1.0
    low, high = sorted((sign * one.low, sign * one.high))
    effect = effect_of(low, high, p if one.n_seeds >= MIN_SEEDS else float("nan"), one.level)
    matters = matters_of(low, high, smallest)
    if effect == "not shown" and matters == "large enough to matter":
        matters = "open"  # the corrected p-value does not agree with the interval
    size: Size | None = None
    if claim.size is not None:
        size = size_of(low, high, claim.size, claim.size_error or 0.0)
    kind: Kind = "inconclusive"
    if not claim.as_stated:
        kind = NOT_AS_STATED
    elif claim.expected == "not above":
        if low > -smallest:
            kind = "supported"
        elif effect == "opposite" and matters == "large enough to matter":
            kind = "contradicted"
    elif effect == "as claimed":
        kind = "supported"
    elif effect == "opposite":
        kind = "contradicted"
    elif matters == "too small to matter":
        kind = "too small to matter"
    return Line(compared, kind, one, p, effect, size, matters)


def effect_of(low: float, high: float, p: float, level: float) -> Effect:
    """The first statement: the sign, if the interval and the corrected p-value agree on it."""
    if p < 1 - level and low > 0:
        return "as claimed"
    if p < 1 - level and high < 0:
        return "opposite"
    return "not shown"


def size_of(low: float, high: float, published: float, error: float) -> Size:
    """The second statement: the interval against the published size, plus or minus two errors."""
    if high < published - 2 * error:
        return "smaller"
    return "larger" if low > published + 2 * error else "compatible"


def matters_of(low: float, high: float, smallest: float) -> Matters:
    """The third statement: the interval against the smallest effect that would matter."""
    if low >= smallest or high <= -smallest:
        return "large enough to matter"
    return "too small to matter" if -smallest < low and high < smallest else "open"
