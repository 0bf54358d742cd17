"""Verdicts in words: the estimate and three statements about it, or why there is no answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from xltlib.analysis.verdict import NOT_ANSWERED, NOT_AS_STATED, Held, Lack, Line, Verdict, missing
from xltlib.params import Claim
from xltlib.params.claims import ArmsEstimate
from xltlib.reporting.lacks import SHORT, lack
from xltlib.reporting.sentences import Sentence, counted, p_value, places


def record(verdict: Verdict) -> dict[str, Any]:
    """A verdict for JSON, with the sentences for every comparison."""
    found = verdict.record()
    for line, one in zip(found["lines"], verdict.lines, strict=True):
        line["finding"] = asdict(finding(verdict, one))
        line["reasons"] = [asdict(sentence) for sentence in statements(verdict, one)]
    return found


def finding(verdict: Verdict, line: Line) -> Sentence:
    """What was measured, with its interval and the number of questions, languages and seeds."""
    name = " ".join(filter(None, (verdict.name, line.compared)))
    one = line.interval
    if one is None:
        return Sentence(name, "Nothing was measured.", {})
    form = f"+z.{places(verdict.smallest)}f"
    words = f"{line.compared}: {{estimate:{form}}} {verdict.unit}"
    numbers: dict[str, Any] = {"estimate": one.estimate}
    if one.known:
        words += f" ({{level:.0f}} % interval {{low:{form}}} to {{high:{form}}})"
        numbers |= {"level": 100 * one.level, "low": one.low, "high": one.high}
    if line.p_corrected is not None and line.p_corrected == line.p_corrected:
        words += p_value("p", line.p_corrected)
        numbers["p"] = line.p_corrected
    where = counted("languages", len(one.languages), "language")
    numbers |= {"n": one.n_examples, "languages": len(one.languages), "seeds": one.n_seeds}
    if one.n_sets > len(one.languages):
        where = f"{counted('sets', one.n_sets, 'test set')} in {where}"
        numbers["sets"] = one.n_sets
    words += f"; n = {{n}}, {where}, {counted('seeds', one.n_seeds, 'seed')}"
    if one.seed_sd == one.seed_sd:  # not NaN: several seeds
        words += f" (standard deviation {{sd:{form[1:]}}})"
        numbers["sd"] = one.seed_sd
    words += "."
    return Sentence(name, words, numbers)


EFFECTS = {
    "as claimed": "There is an effect in the claimed direction.",
    "opposite": "There is an effect in the opposite direction.",
    "not shown": "No effect is shown.",
}
NOT_ABOVE = {
    "as claimed": "The difference is below zero, which the claim allows.",
    "opposite": "The difference is above zero.",
    "not shown": "No difference is shown.",
}
SIZES = {
    "compatible": "The data are compatible with the published %s.",
    "smaller": "The data exclude an effect as large as the published %s.",
    "larger": "The data exclude an effect as small as the published %s.",
}
ANY_TOO_SMALL = "Any effect is too small to matter (less than %s)."
MATTERS = {
    "large enough to matter": "It is large enough to matter (%s or more).",
    "too small to matter": "It is too small to matter (less than %s).",
    "open": (
        "Whether it is large enough to matter (%s or more) is open; the minimum detectable effect "
        "(80 %% power) is %s."
    ),
}
"""With an amount in the measure's unit in place of `%s`."""


def statements(verdict: Verdict, line: Line) -> list[Sentence]:
    """The three statements, or why there is no answer."""
    if line.kind == NOT_ANSWERED:
        return [lack(one) for one in line.lacks]
    found = []
    if line.effect:
        effects = NOT_ABOVE if verdict.claim.expected == "not above" else EFFECTS
        found.append(Sentence("effect", effects[line.effect], {}))
    if line.size:
        size = verdict.claim.size
        words = SIZES[line.size] % _amount("size:.1f", size, verdict.unit)
        found.append(Sentence("size", words, {"size": size}))
    if line.matters and line.interval:
        numbers: dict[str, Any] = {"smallest": verdict.smallest}
        amounts = [_amount("smallest:g", verdict.smallest, verdict.unit)]
        if line.matters == "open":
            numbers["detectable"] = line.interval.detectable
            field = f"detectable:.{places(verdict.smallest)}f"
            amounts.append(_amount(field, line.interval.detectable, verdict.unit))
        unshown = line.effect == "not shown" and line.matters == "too small to matter"
        words = ANY_TOO_SMALL if unshown else MATTERS[line.matters]
        found.append(Sentence("matters", words % tuple(amounts), numbers))
    return found


def _amount(field: str, size: float | None, unit: str) -> str:
    """A replacement field with the noun of the measure's unit: `{smallest:g} points`."""
    plural = unit.split(" of ")[0]
    singular = "point" if plural == "points" else plural
    return f"{{{field}}} {singular if size == 1 else plural}"


def what_it_can_answer(claims: Mapping[str, Claim], held: Mapping[str, Held | None]) -> list[str]:
    """What a profile can and cannot answer, according to its params alone.

    Args:
        held: by claim, what its comparison will rest on; None if there is nothing to compare.
    """
    lines = []
    for name, claim in claims.items():
        rests_on = held[name]
        lacks = [Lack("nothing")] if rests_on is None else missing(claim.needs, rests_on)
        said = " ".join(str(lack(one)) for one in lacks)
        if lacks:
            answer = f"{NOT_ANSWERED.capitalize()}. {said}"
        elif not claim.as_stated:
            answer = f"{NOT_AS_STATED.capitalize()}. {claim.deviation or ''}".strip()
        else:
            answer = "This profile can answer it."
        lines.append(f"*{claim.statement}* {answer}")
    return lines


QUESTION = (
    "Does multilingual intermediate training make zero-shot cross-lingual transfer more robust "
    "than English-only intermediate training?"
)
ANSWERS = {
    "supported": "Yes.",
    "contradicted": "No: the data show the opposite.",
    "too small to matter": "No: any difference is too small to matter.",
    "inconclusive": (
        "Not settled: the data are compatible with a difference that matters and with one that "
        "does not."
    ),
}


def question(claims: Mapping[str, Claim]) -> str:
    """What the primary claim answers: the study's question, or whether another claim holds."""
    claim = next((one for one in claims.values() if one.primary), None)
    if claim is None or _asks(claim) == ("above", ("multilingual", "english")):
        return QUESTION
    return f"Does this hold? {claim.statement.strip()}"


def _asks(claim: Claim) -> tuple[str, tuple[str, str]] | None:
    """The expected sign and the arms of a claim about robustness; None for any other claim."""
    estimate = claim.estimate
    if not isinstance(estimate, ArmsEstimate) or estimate.metric == "clean":
        return None
    return claim.expected, estimate.contrast


def answer(record: Mapping[str, Any] | None) -> list[Sentence]:
    """The answer to `question` in one sentence, and up to three more sentences.

    Args:
        record: the primary claim's record; None if the profile has no primary claim.
    """
    if record is None:
        return [Sentence("answer", "Not answered: the profile names no primary claim.", {})]
    line = record["lines"][0]
    reasons = [Sentence.of(one) for one in line["reasons"]]
    if line["kind"] not in ANSWERS:
        said = reasons[0] if reasons else Sentence("reason", "The claim is not tested.", {})
        words = f"Not answered, because {said.words[0].lower()}{said.words[1:]}"
        return [Sentence("answer", words, said.numbers), Sentence.of(line["finding"])]
    words = ANSWERS[line["kind"]]
    is_effect = line["effect"] != "not shown" and record.get("expected") != "not above"
    if is_effect and line["matters"] == "too small to matter":
        words = f"{words[:-1]}, but by less than would matter."
    first = Sentence("answer", words, {})
    return [first, Sentence.of(line["finding"]), *reasons[:2]]


def primary(records: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The record of the primary claim."""
    return next((one for one in records if one["primary"]), None)


def kinds(records: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The verdict on every comparison, by claim and comparison."""
    return {
        " ".join(filter(None, (record["name"], line["compared"]))): line["kind"]
        for record in records
        for line in record["lines"]
    }


def summary(records: Sequence[Mapping[str, Any]]) -> Sentence:
    """The number of verdicts of each kind, and what the unanswered claims lack: each lack once,
    with the claims that have it."""
    counts = Counter(kinds(records).values())
    parts = [f"{{kind_{i}}} {kind}" for i, kind in enumerate(counts)]
    numbers: dict[str, Any] = {f"kind_{i}": n for i, n in enumerate(counts.values())}
    numbers |= {"claims": len(records), "lines": counts.total()}
    words = (
        f"{counted('claims', len(records), 'claim')} in "
        f"{counted('lines', counts.total(), 'comparison')}: {', '.join(parts) or 'no verdict'}."
    )
    having: dict[str, dict[str, None]] = {}
    for record in records:
        for line in record["lines"]:
            for one in line["lacks"]:
                having.setdefault(SHORT[one["name"]], {})[record["name"]] = None
    if having:
        lacks = (
            f"{short} ({'all' if len(names) == len(records) > 1 else ', '.join(names)})"
            for short, names in having.items()
        )
        words += f" Reasons for no answer: {'; '.join(lacks)}."
    return Sentence("claims", words, numbers)


def in_five_lines(
    metrics: Mapping[str, Any], claims: Mapping[str, Claim], profile: str, encoder: str
) -> list[str]:
    """The question, its answer, the primary outcome, all verdicts, and where they come from.

    Args:
        metrics: the metrics of a cell of 09_claims.
        claims: the profile's.
    """
    first, *rest = (str(Sentence.of(one)) for one in metrics["answer"])
    return [
        f"Question: {question(claims)}",
        f"Answer: {first}",
        f"Primary outcome: {' '.join(rest) or 'none'}",
        f"All claims: {summary(metrics['claims'])}",
        f"Profile {profile}, encoder {encoder}; tables below, everything in `xlt paper`.",
    ]
