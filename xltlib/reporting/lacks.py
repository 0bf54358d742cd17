"""Why a claim is not answered, in words."""

from __future__ import annotations

from typing import Any

from xltlib.analysis.verdict import Lack
from xltlib.reporting.sentences import Sentence, counted


def lack(one: Lack) -> Sentence:
    """Why there is no answer."""
    numbers: dict[str, Any] = {}
    if one.name == "synthetic":
        words = (
            "The data are synthetic: they show that the study runs but say nothing about languages."
        )
    elif one.name in ("seeds", "questions"):
        noun = "seed" if one.name == "seeds" else "test example"
        verb = "is" if one.found == 1 else "are"
        words = (
            f"There {verb} only {counted('found', one.found, noun)}, but the claim needs "
            "{needed}."
        )
        numbers = {"found": one.found, "needed": one.needed}
    elif one.name == "seed sd":
        seeds, sd, above = one.found
        words = (
            "There are only {found} seeds, with a standard deviation of {sd:.1f}; above {above:g}, "
            "the claim needs {needed}."
        )
        numbers = {"found": seeds, "sd": sd, "above": above, "needed": one.needed}
    elif one.name == "languages":
        words = f"The comparison lacks these languages: {', '.join(one.found)}."
    elif one.name == "training":
        arm, loss = one.found
        words = (
            f"Intermediate training of `{arm}` did not work: its English F1 is {{found:.1f}} "
            "points below that of the arm without intermediate training; at most {needed:g} is "
            "allowed."
        )
        numbers = {"found": loss, "needed": one.needed}
    elif one.name == "target training":
        corpus, score = one.found
        words = (
            f"Standard training on {corpus} did not work: its English accuracy is {{found:.1f}} "
            "points, and always choosing the most frequent label gives {needed:.1f}."
        )
        numbers = {"found": score, "needed": one.needed}
    elif one.name == "chance":
        arm, task, score = one.found
        words = (
            f"Intermediate training of `{arm}` did not work: its dev score on {task} is "
            "{found:.1f} points, and always choosing the most frequent label gives {needed:.1f}."
        )
        numbers = {"found": score, "needed": one.needed}
    elif one.name == "unchecked":
        words = (
            "Whether intermediate training worked is unknown: no model of an arm without it was "
            "tested in English on the target task's own corpus."
        )
    elif one.name == "undefined":
        words = f"Under {', '.join(one.found)}, the measure is undefined for at least one model."
    elif one.name == "interval":
        words = f"There is no interval: {one.found}."
    else:
        words = "This profile has nothing to compare."
    return Sentence(one.name, words, numbers)


SHORT = {
    "synthetic": "the data are synthetic",
    "seeds": "too few seeds",
    "seed sd": "too few seeds for how much they vary",
    "languages": "some languages are missing",
    "questions": "too few test examples",
    "training": "intermediate training did not work",
    "target training": "standard training did not work",
    "chance": "intermediate training did not work",
    "unchecked": "intermediate training was not checked",
    "undefined": "the measure is undefined",
    "interval": "there is no interval",
    "nothing": "nothing to compare",
}
"""Each lack in a few words."""
