"""What the scores, attacks and contrasts of a study show, in sentences."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from xltlib.analysis.robustness import MEASURES
from xltlib.analysis.tables import arms_in
from xltlib.reporting.sentences import Sentence, counted

MIN_FOR_EXTREMES = 20
"""A language with fewer questions is never named as the highest or the lowest."""


def of_scores(clean: pd.DataFrame, seen: Mapping[str, Collection[str]]) -> list[Sentence]:
    """Each arm's F1 on each corpus, in its languages that no arm has trained on.

    Args:
        seen: the languages that each arm has trained on, beside English.
    """
    found = []
    for corpus, of_corpus in clean.groupby("corpus", sort=True):
        part, which = _zero_shot(of_corpus, seen)
        if not len(part):
            continue
        means = 100 * part.groupby(["arm", "language"])["f1"].mean().groupby("arm").mean()
        numbers = {
            "languages": part["language"].nunique(),
            "n": len(part[["language", "id"]].drop_duplicates()),
        }
        seeds, counts = _seeds(part.groupby("arm")["seed"].nunique())
        scores, of_arms = _of_arms({arm: (means[arm],) for arm in arms_in(part)}, ("{{{}:.1f}}",))
        words = (
            f"On {corpus}, averaged over {counted('languages', numbers['languages'], 'language')} "
            f"{which} (n = {counted('n', numbers['n'], 'question')}, {seeds}), F1 is {scores}."
        )
        found.append(Sentence(f"scores {corpus}", words, numbers | counts | of_arms))
    return found


def _seeds(by_arm: pd.Series) -> tuple[str, dict[str, int]]:
    """The number of seeds, or the fewest and the most of an arm, and the numbers in it."""
    fewest, most = int(by_arm.min()), int(by_arm.max())
    words, numbers = counted("seeds", most, "seed"), {"seeds": most}
    if fewest == most:
        return words, numbers
    return f"{{fewest}} to {words}", numbers | {"fewest": fewest}


def _zero_shot(rows: pd.DataFrame, seen: Mapping[str, Collection[str]]) -> tuple[pd.DataFrame, str]:
    """The rows in languages other than English that no arm has trained on, or if there are none, in
    all languages other than English; and what to call these languages."""
    other = rows[rows["language"] != "en"]
    unseen = other[~other["language"].isin(set[str]().union(*seen.values()))]
    return (unseen, "that no arm has trained on") if len(unseen) else (other, "other than English")


def _of_arms(
    values: Mapping[str, tuple[float, ...]], forms: tuple[str, ...]
) -> tuple[str, dict[str, Any]]:
    """A list of arms with their values, and the numbers in it.

    Args:
        forms: how each value of an arm is written, as a template for the key of its number.
    """
    numbers: dict[str, Any] = {}
    parts = []
    for i, (arm, own) in enumerate(values.items()):
        keys = [f"arm_{i}_{j}" for j in range(len(own))]
        numbers |= {key: float(value) for key, value in zip(keys, own, strict=True)}
        written = [form.format(key) for form, key in zip(forms, keys, strict=True)]
        parts.append(" ".join([*written, f"({arm})"]))
    listed = ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else parts[0]
    return listed, numbers


def of_published(table: pd.DataFrame, within: Mapping[str, float | None]) -> list[Sentence]:
    """The untrained arm's F1 beside each source's average.

    Args:
        table: `xltlib.analysis.recipe.beside_published`.
        within: by source, how close the averages should be, in points; None for no such check.
    """
    found = []
    shared = table[table["language"] != "average"].groupby(["source", "corpus"]).size()
    for i, row in enumerate(table[table["language"] == "average"].to_dict("records")):
        tolerance = within[row["source"]]
        languages = int(shared[row["source"], row["corpus"]])
        words = (
            "On {corpus} the arm without intermediate training has an average F1 of {here:.1f} in "
            f"{counted('languages', languages, 'language')}, compared with a published "
            "{published:.1f} in the same languages ({source})."
        )
        numbers = {name: row[name] for name in ("corpus", "here", "published", "source")}
        numbers["languages"] = languages
        if tolerance is not None:
            near = abs(row["difference"]) <= tolerance
            reproduced = "reproduced" if near else "not reproduced"
            words += f" The published score is {reproduced} within {{within:g}} points."
            numbers["within"] = tolerance
        found.append(Sentence(f"published.{i}", words, numbers))
    return found


def of_attacks(under_attack: pd.DataFrame, seen: Mapping[str, Collection[str]]) -> list[Sentence]:
    """Each arm's F1 before and under each attack, in English and in the languages that no arm has
    trained on; test sets that some arm did not meet are left out.

    Args:
        under_attack: `xltlib.analysis.tables.under_attack`.
        seen: the languages that each arm has trained on, beside English.
    """
    found = []
    for attack, part in under_attack.groupby("attack", sort=True):
        met = part.groupby(["corpus", "language"])["arm"].transform("nunique")
        part = part[met == part["arm"].nunique()]
        other, which = _zero_shot(part, seen)
        english = part[part["language"] == "en"]
        for view, rows in (("other languages", other), ("English", english)):
            if not len(rows):
                continue
            arms, languages = arms_in(rows), rows["language"].nunique()
            where = "English"
            seeds, counts = _seeds(rows.groupby("arm")["seeds"].max())
            numbers: dict[str, Any] = {"n": int(rows.loc[rows["arm"] == arms[0], "n"].sum())}
            if view != "English":
                where = f"{counted('languages', languages, 'language')} {which}"
                numbers["languages"] = languages
            means = _macro(rows, ["clean f1", "attacked f1"])
            losses, of_arms = _of_arms(
                {arm: tuple(means.loc[arm]) for arm in arms},
                ("from {{{}:.1f}}", "to {{{}:.1f}}"),
            )
            words = f"Under {attack}, in {where}, F1 goes {losses}; n = {{n}} questions, {seeds}."
            found.append(Sentence(f"attack {attack} {view}", words, numbers | counts | of_arms))
    return found


def _macro(rows: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Each arm's mean over languages, which weigh the same; a language's test sets weigh as much as
    their questions."""
    keys = ["arm", "language"]
    sums = rows[names].mul(rows["n"], axis=0).groupby([rows[key] for key in keys]).sum()
    return sums.div(rows.groupby(keys)["n"].sum(), axis=0).groupby("arm").mean()


def of_success(success: pd.DataFrame) -> list[Sentence]:
    """How often each attack succeeds, from the lowest to the highest rate of a language.

    Args:
        success: `xltlib.analysis.tables.success_rate`; its arms and corpora are pooled.
    """
    found = []
    for attack, part in success[success["n"] > 0].groupby("attack", sort=True):
        won = (part["success rate"] * part["n"]).groupby(part["language"]).sum()
        n = part.groupby("language")["n"].sum()
        rates = (won / n)[n >= MIN_FOR_EXTREMES].sort_values()
        if len(rates) < 2:
            continue
        words = (
            f"{attack} succeeds in {{lowest:.0f}} % ({rates.index[0]}, n = {{n_lowest}}) to "
            f"{{highest:.0f}} % ({rates.index[-1]}, n = {{n_highest}}) of the attempts on correct "
            f"answers in {counted('languages', len(rates), 'language')} (all arms and seeds "
            "together; not tested, exploratory)."
        )
        numbers = {
            "highest": float(rates.iloc[-1]),
            "n_highest": int(n[rates.index[-1]]),
            "lowest": float(rates.iloc[0]),
            "n_lowest": int(n[rates.index[0]]),
            "languages": len(rates),
        }
        found.append(Sentence(f"success {attack}", words, numbers))
    return found


def of_attack_transfer(transfer: pd.DataFrame) -> list[Sentence]:
    """How often an example made against one model breaks another; nothing without such cases.

    Args:
        transfer: the columns attack, made against, tested on, broken (percent), n.
    """
    found = []
    for attack, part in transfer[transfer["n"] > 0].groupby("attack", sort=True):
        own = part["made against"] == part["tested on"]
        if own.all():
            continue
        numbers: dict[str, Any] = {}
        for name, rows in (("own", part[own]), ("other", part[~own])):
            n = float(rows["n"].sum())
            rate = (rows["broken"] * rows["n"]).sum() / n if n else 0.0
            numbers |= {name: float(rate), f"n_{name}": int(n)}
        words = f"Examples of {attack} made against one model break another in {{other:.0f}} % of "
        words += counted("n_other", numbers["n_other"], "case")
        if numbers["n_own"]:
            words += ", and the model they were made against in {own:.0f} % of {n_own}"
        found.append(Sentence(f"transfer {attack}", f"{words}.", numbers))
    return found


def of_contrasts(contrasts: pd.DataFrame, macro: str) -> list[Sentence]:
    """The first contrast: every measure with its interval and minimum detectable effect.

    Args:
        contrasts: `xltlib.analysis.contrasts.table`.
        macro: the name of its rows over all languages.
    """
    rows = contrasts[contrasts["language"] == macro]
    found = []
    for row in rows[rows["contrast"] == rows["contrast"].iloc[:1].squeeze()].to_dict("records"):
        words = f"{row['contrast']}, {row['measured']} ({row['condition']}, n = {{n}}"
        numbers = {"n": row["n"]}
        if row["n"]:
            words += f", {counted('seeds', row['seeds'], 'seed')}"
            numbers["seeds"] = row["seeds"]
        words += "): "
        measure = MEASURES[row["measured"]]
        form = "+z.1f" if measure.scale > 1 else "+z.2f"
        if row["estimate"] == row["estimate"]:
            words += f"{{estimate:{form}}} {measure.words}"
            numbers["estimate"] = row["estimate"]
        else:
            words += "no estimate"
        if row["low"] == row["low"]:
            words += f" ({{level:.0f}} % interval {{low:{form}}} to {{high:{form}}})"
            numbers |= {"level": row["level (%)"], "low": row["low"], "high": row["high"]}
            if row["detectable"] == row["detectable"]:
                words += f"; minimum detectable effect (80 % power) {{detectable:{form[1:]}}}"
                numbers["detectable"] = row["detectable"]
            words += "."
        else:
            none = "; no interval" if "estimate" in numbers else ""
            words += f"{none} ({row['why not']})."
        if row["left out"]:
            words += f" Left out because an arm has trained on them: {row['left out']}."
        if row["too few"]:
            words += (
                " Left out because there are too few questions, or none that both arms were asked: "
                f"{row['too few']}."
            )
        found.append(Sentence(f"contrast {row['measured']} {row['condition']}", words, numbers))
    return found


def of_transfer(means: pd.DataFrame) -> list[Sentence]:
    """Standard training on generalised pairs, and the gain of each robust method there.

    Args:
        means: `xltlib.analysis.generalised.mean_table`.
    """
    found = []
    for (task, corpus, arm), part in means.groupby(["task", "corpus", "arm"], sort=False):
        accuracy = part.set_index(["method", "pairs"])["accuracy"]
        views = [("standard", view) for view in ("two languages", "one language")]
        if not set(views) <= set(accuracy.index):
            continue
        words = (
            f"{task}, arm {arm}: the accuracy of standard training is {{two:.1f}} points if the "
            "sentences are in two languages and {one:.1f} if they are in one "
            f"(n = {counted('n', part['n'].iloc[0], 'item')}, "
            f"{counted('seeds', part['seeds'].iloc[0], 'seed')})."
        )
        numbers: dict[str, Any] = {name: int(part[name].iloc[0]) for name in ("n", "seeds")}
        numbers |= dict(zip(("two", "one"), map(float, accuracy[views]), strict=True))
        gains = part[(part["pairs"] == "two languages") & part["gain"].notna()]
        said = []
        for i, row in enumerate(gains.to_dict("records")):
            numbers[f"gain_{i}"] = float(row["gain"])
            said.append(f"{row['method']} {{gain_{i}:+z.1f}}")
            if row["low"] == row["low"]:
                numbers |= {f"{end}_{i}": float(row[end]) for end in ("low", "high")}
                numbers["level"] = row["level (%)"]
                said[-1] += f" ({{level:.0f}} % interval {{low_{i}:+z.1f}} to {{high_{i}:+z.1f}})"
            else:
                said[-1] += f" (no interval: {row['why not']})"
        if said:
            words += f" In two languages, the differences from it are: {', '.join(said)}."
        place = f"{task} {arm}" if corpus == task else f"{task} {corpus} {arm}"
        found.append(Sentence(f"pairs {place}", words, numbers))
    return found
