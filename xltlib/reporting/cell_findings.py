"""What one cell found, in the sentences that open its notebook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import mean
from typing import Any

from xltlib.reporting.sentences import Sentence, counted

ALL = "all"
"""The `language` of an attack's row over all languages."""
Records = Iterable[Mapping[str, Any]]


def of_corpora(splits: Records, audits: Records) -> list[Sentence]:
    """The size of the corpora, and what training and test data of one model share."""
    sizes = {(one["corpus"], one["split"], one["language"]): one["n"] for one in splits}
    numbers: dict[str, Any] = {
        "splits": len(sizes),
        "corpora": len({corpus for corpus, _, _ in sizes}),
        "rows": sum(sizes.values()),
    }
    words = (
        f"{counted('splits', numbers['splits'], 'split')} of "
        f"{counted('corpora', numbers['corpora'], 'corpus', 'corpora')}, {{rows:,}} rows."
    )
    met = [one for one in audits if one["in_one_model"]]
    shared: dict[str, Any] = {
        "met": len(met),
        "same_id": sum(one["same_id"] > 0 for one in met),
        "exact": sum(one["exact"] > 0 for one in met),
    }
    about = (
        f"At least one model sees both sides of {counted('met', shared['met'], 'pair')} of a "
        "training and a test split. Items share an id in {same_id} of these, and whole texts are "
        "shared in {exact}."
    )
    return [Sentence("size", words, numbers), Sentence("contamination", about, shared)]


def of_training(log: Mapping[str, Any]) -> list[Sentence]:
    """How long a model was trained, and what became of the loss."""
    losses, examples = [one["loss"] for one in log["losses"]], log["examples"]
    if not log["steps"]:
        return [
            Sentence("training", "This arm trains nothing: it keeps the pretrained encoder.", {})
        ]
    numbers: dict[str, Any] = {
        "steps": log["steps"],
        "examples": sum(examples.values()) if isinstance(examples, Mapping) else examples,
    }
    words = (
        f"Trained for {counted('steps', numbers['steps'], 'step')} on "
        f"{counted('examples', numbers['examples'], 'example')}"
    )
    if len(losses) > 1:
        words += "; the training loss went from {first:.2f} to {last:.2f} nats"
        numbers |= {"first": losses[0], "last": losses[-1]}
    return [Sentence("training", f"{words}.", numbers)]


def of_dev(dev: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[Sentence]:
    """The score of each intermediate task on its dev data, averaged over languages."""
    found = []
    for task, languages in dev.items():
        metric = main_metric(next(iter(languages.values())))
        numbers: dict[str, Any] = {
            "points": mean(scores[metric] for scores in languages.values()),
            "languages": len(languages),
        }
        words = (
            f"Dev {_name(metric)} of {task}, averaged over "
            f"{counted('languages', numbers['languages'], 'language')}: {{points:.1f}} points."
        )
        found.append(Sentence(f"dev {task}", words, numbers))
    return found


def main_metric(scores: Mapping[str, float]) -> str:
    """F1 (of answers or of windows) where there is one, otherwise the first metric."""
    names = [name for name in scores if name != "n"]
    return next((name for name in names if name.endswith("f1")), names[0])


def _name(metric: str) -> str:
    return metric.replace("window_", "window ").replace("f1", "F1").replace("em", "EM")


def of_evaluation(metrics: Mapping[str, Mapping[str, Any]]) -> list[Sentence]:
    """The score on each test set, in English and in the other languages."""
    found = []
    for corpus, summary in metrics.items():
        languages = dict(summary["languages"])
        metric = main_metric(next(iter(languages.values())))
        english = languages.pop("en", None)
        numbers: dict[str, Any] = {}
        parts = []
        if english is not None:
            parts.append("{english:.1f} in English (n = {n_english})")
            numbers |= {"english": english[metric], "n_english": english["n"]}
        if languages:
            noun = "pair" if all("-" in code for code in languages) else "language"
            noun = noun if english is None else f"other {noun}"
            over = counted("languages", len(languages), noun)
            parts.append(f"{{others:.1f}} on average over {over} (n = {{n_others}})")
            numbers |= {
                "others": mean(scores[metric] for scores in languages.values()),
                "languages": len(languages),
                "n_others": sum(scores["n"] for scores in languages.values()),
            }
        words = f"{corpus}: {_name(metric)} {' and '.join(parts)}."
        found.append(Sentence(f"scores {corpus}", words, numbers))
    return found


def of_attack(languages: Records, *, targeted: bool = False) -> list[Sentence]:
    """On how many examples the attack succeeded, and at what cost.

    Args:
        languages: the summary of the attack; its row over all languages is left out.
        targeted: whether the attack wants a certain answer, not just a wrong one.
    """
    rows = [row for row in languages if row["language"] != ALL]
    total = {
        name: sum(row[name] for row in rows)
        for name in ("n", "skipped", "succeeded", "failed", "no_candidates", "error", "queries")
    }
    tried = total["succeeded"] + total["failed"]
    numbers: dict[str, Any] = {"n": total["n"], "skipped": total["skipped"]}
    why = "with a wrong answer before the attack"
    if targeted:
        why = "without a target, or answered with it before the attack"
    words = f"{counted('n', total['n'], 'example')}, {{skipped}} of them {why}"
    for name, said in (("no_candidates", "with nothing to edit"), ("error", "ended by an error")):
        if total[name]:
            words += f", {{{name}}} {said}"
            numbers[name] = total[name]
    found = [Sentence("asked", f"{words}.", numbers)]
    if tried:
        words = (
            "Success rate: {rate:.0f} % ({succeeded} of {tried} tried), with {per_example:.1f} "
            "queries per example."
        )
        numbers = {
            "succeeded": total["succeeded"],
            "tried": tried,
            "rate": 100 * total["succeeded"] / tried,
            "per_example": total["queries"] / total["n"],
        }
        found.append(Sentence("broken", words, numbers))
    return found
