"""What the scores, attacks and contrasts of a study show, in sentences."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from xltlib.analysis.tables import arms_in
from xltlib.reporting.sentences import Sentence, counted, p_value

MIN_FOR_EXTREMES = 20
"""A language with fewer questions is never named as the highest or the lowest."""


def of_scores(clean: pd.DataFrame, seen: Mapping[str, Collection[str]]) -> list[Sentence]:
    """Each arm's F1 in the languages of each corpus that no arm has trained on.

    Args:
        seen: the languages that each arm has trained on, beside English.
    """
    trained = {"en"}.union(*seen.values())
    found = []
    for corpus, part in clean[~clean["language"].isin(trained)].groupby("corpus", sort=True):
        means = 100 * part.groupby(["arm", "language"])["f1"].mean().groupby("arm").mean()
        numbers = {
            "languages": part["language"].nunique(),
            "n": len(part[["language", "id"]].drop_duplicates()),
            "seeds": part["seed"].nunique(),
        }
        scores, of_arms = _of_arms({arm: (means[arm],) for arm in arms_in(part)}, ("{{{}:.1f}}",))
        words = (
            f"On {corpus}, averaged over {counted('languages', numbers['languages'], 'language')} "
            f"that no arm has trained on (n = {{n}} questions, "
            f"{counted('seeds', numbers['seeds'], 'seed')}), F1 is {scores}."
        )
        found.append(Sentence(f"scores {corpus}", words, numbers | of_arms))
    return found


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
    for i, row in enumerate(table[table["language"] == "average"].to_dict("records")):
        tolerance = within[row["source"]]
        words = (
            "On {corpus}, the untrained arm's average F1 is {here:.1f}; the published one is "
            "{published:.1f} ({source})."
        )
        numbers = {name: row[name] for name in ("corpus", "here", "published", "source")}
        if tolerance is not None:
            near = abs(row["difference"]) <= tolerance
            reproduced = "reproduced" if near else "not reproduced"
            words += f" The published score is {reproduced} within {{within:g}} points."
            numbers["within"] = tolerance
        found.append(Sentence(f"published.{i}", words, numbers))
    return found


def of_attacks(under_attack: pd.DataFrame) -> list[Sentence]:
    """Each arm's F1 before and under each attack, in English and elsewhere.

    Args:
        under_attack: `xltlib.analysis.tables.under_attack`.
    """
    found = []
    for attack, part in under_attack.groupby("attack", sort=True):
        other = part[part["language"] != "en"]
        views = (("other languages", other), ("English", part[part["language"] == "en"]))
        for view, rows in views:
            if not len(rows):
                continue
            means = rows.groupby("arm")[["clean f1", "attacked f1"]].mean()
            n = int(rows.groupby("arm")["n"].sum().max())
            losses, numbers = _of_arms(
                {arm: tuple(means.loc[arm]) for arm in arms_in(rows)},
                ("from {{{}:.1f}}", "to {{{}:.1f}}"),
            )
            words = f"Under {attack}, in {view}, F1 changes {losses}; n = {{n}} questions."
            found.append(Sentence(f"attack {attack} {view}", words, numbers | {"n": n}))
    return found


def of_success(success: pd.DataFrame) -> list[Sentence]:
    """The languages in which each attack succeeds most and least often, pooled over the arms.

    Args:
        success: `xltlib.analysis.tables.success_rate`.
    """
    found = []
    for attack, part in success[success["n"] > 0].groupby("attack", sort=True):
        won = (part["success rate"] * part["n"]).groupby(part["language"]).sum()
        n = part.groupby("language")["n"].sum()
        rates = (won / n)[n >= MIN_FOR_EXTREMES].sort_values()
        if len(rates) < 2:
            continue
        words = (
            f"{attack} succeeds most often in {rates.index[-1]} ({{highest:.0f}} % of "
            f"{{n_highest}} correct answers) and least often in {rates.index[0]} "
            "({lowest:.0f} % of {n_lowest})."
        )
        numbers = {
            "highest": float(rates.iloc[-1]),
            "n_highest": int(n[rates.index[-1]]),
            "lowest": float(rates.iloc[0]),
            "n_lowest": int(n[rates.index[0]]),
        }
        found.append(Sentence(f"success {attack}", words, numbers))
    return found


def of_attack_transfer(transfer: pd.DataFrame) -> list[Sentence]:
    """How often a passage attacked against one model breaks another.

    Args:
        transfer: the columns attack, made against, tested on, broken (percent), n.
    """
    found = []
    for attack, part in transfer[transfer["n"] > 0].groupby("attack", sort=True):
        own = part["made against"] == part["tested on"]
        numbers: dict[str, Any] = {}
        for name, rows in (("own", part[own]), ("other", part[~own])):
            n = float(rows["n"].sum())
            rate = (rows["broken"] * rows["n"]).sum() / n if n else 0.0
            numbers |= {name: float(rate), f"n_{name}": int(n)}
        words = (
            f"Passages that {attack} made against one model break another model in {{other:.0f}} % "
            "of {n_other} cases, and the model that they were made against in {own:.0f} % of "
            "{n_own}."
        )
        found.append(Sentence(f"transfer {attack}", words, numbers))
    return found


def of_contrasts(contrasts: pd.DataFrame, macro: str) -> list[Sentence]:
    """The first contrast: every measure with its interval and minimum detectable effect.

    Args:
        contrasts: `xltlib.analysis.tables.contrasts`.
        macro: the name of its rows over all languages.
    """
    rows = contrasts[contrasts["language"] == macro]
    found = []
    for row in rows[rows["contrast"] == rows["contrast"].iloc[:1].squeeze()].to_dict("records"):
        words = f"{row['contrast']}, {row['measured']} ({row['condition']}, n = {{n}}): "
        numbers = {"n": row["n"]}
        if row["estimate"] == row["estimate"]:
            words += "{estimate:+.1f}"
            numbers["estimate"] = row["estimate"]
        else:
            words += "no estimate"
        if row["low"] == row["low"]:
            words += " ({low:+.1f} to {high:+.1f})"
            numbers |= {name: row[name] for name in ("low", "high")}
            if row["detectable"] == row["detectable"]:
                words += "; minimum detectable effect (80 % power) {detectable:.1f}"
                numbers["detectable"] = row["detectable"]
            words += "."
        else:
            none = "; no interval" if "estimate" in numbers else ""
            words += f"{none} ({row['why not']})."
        if row["left out"]:
            words += f" Left out because an arm has trained on them: {row['left out']}."
        if row["too few"]:
            words += f" Left out because there are too few questions: {row['too few']}."
        found.append(Sentence(f"contrast {row['measured']} {row['condition']}", words, numbers))
    return found


def of_transfer(means: pd.DataFrame) -> list[Sentence]:
    """The loss of standard training on generalised pairs, and the gain of robust training there.

    Args:
        means: `xltlib.analysis.generalised.mean_table`.
    """
    found = []
    for (task, arm), part in means.groupby(["task", "arm"], sort=False):
        accuracy = part.set_index(["method", "pairs"])["accuracy"]
        if ("standard", "two languages") not in accuracy.index:
            continue
        one, two = (accuracy["standard", view] for view in ("one language", "two languages"))
        words = (
            f"{task}, arm {arm}: the accuracy of standard training is {{two:.1f}} points if the "
            "sentences are in two languages and {one:.1f} if they are in one (n = {n} items)."
        )
        numbers = {"one": float(one), "two": float(two), "n": int(part["n"].iloc[0])}
        gains = part[(part["pairs"] == "two languages") & (part["low"] > 0)]
        if len(gains):
            best = gains.loc[gains["gain"].idxmax()]
            words += (
                " In two languages, the largest gain whose interval lies above zero is that of "
                f"{best['method']}: {{gain:+.1f}} ({{low:+.1f}} to {{high:+.1f}})."
            )
            numbers |= {name: float(best[name]) for name in ("gain", "low", "high")}
        elif part["gain"].notna().any():
            words += " In two languages, no method has a gain whose interval lies above zero."
        found.append(Sentence(f"pairs {task} {arm}", words, numbers))
    return found


def of_relation(table: pd.DataFrame) -> list[Sentence]:
    """Each measure's correlation with the loss under attack.

    Args:
        table: `xltlib.analysis.relation.correlations`.
    """
    found = []
    for row in table[table["outcome"] == "drop in f1"].to_dict("records"):
        measure = row["measure"][0].upper() + row["measure"][1:]
        if row["Spearman's rho"] != row["Spearman's rho"]:
            words = (
                f"{measure}: {counted('n', row['n languages'], 'language')} with both values: "
                "too few from one corpus to relate it to the loss under attack."
            )
            numbers = {"n": row["n languages"]}
        else:
            words = (
                f"{measure} against the drop in F1 under attack: Spearman's rho "
                "{rho:+.2f} ({n} languages"
            )
            numbers = {"rho": row["Spearman's rho"], "n": row["n languages"]}
            if row["p (Holm)"] == row["p (Holm)"]:
                words += ", permutation, corrected with Holm's method"
                words += p_value("p", row["p (Holm)"])
                numbers["p"] = row["p (Holm)"]
            words += "; exploratory)."
        found.append(Sentence(f"relation {row['measure']}", words, numbers))
    return found
