"""What the scores, attacks and contrasts of a study show, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from xltlib.reporting.sentences import Sentence, counted

MIN_FOR_EXTREMES = 20
"""A language with fewer questions is never named as the highest or the lowest."""


def of_scores(clean: pd.DataFrame) -> list[Sentence]:
    """The best and the worst arm in the zero-shot languages of each corpus."""
    found = []
    for corpus, part in clean[clean["language"] != "en"].groupby("corpus", sort=True):
        by_language = part.groupby(["arm", "language"])["f1"].mean()
        means = 100 * by_language.groupby("arm").mean().sort_values()
        best, worst = means.index[-1], means.index[0]
        numbers = {
            "languages": part["language"].nunique(),
            "n": len(part[["language", "id"]].drop_duplicates()),
            "seeds": part["seed"].nunique(),
            "best": float(means.iloc[-1]),
            "worst": float(means.iloc[0]),
        }
        words = (
            f"On {corpus}, averaged over {counted('languages', numbers['languages'], 'language')} "
            f"other than English (n = {{n}} questions, "
            f"{counted('seeds', numbers['seeds'], 'seed')}), "
        )
        if len(means) > 1:
            words += (
                f"the arm {best} has the highest F1 ({{best:.1f}} points) and {worst} the lowest "
                "({worst:.1f})."
            )
        else:
            words += f"the arm {best} has an F1 of {{best:.1f}} points."
        found.append(Sentence(f"scores {corpus}", words, numbers))
    return found


def of_published(table: pd.DataFrame, within: Mapping[str, float | None]) -> list[Sentence]:
    """The untrained arm's F1 beside each source's average.

    Args:
        table: `xltlib.analysis.recipe.beside_published`.
        within: by source, how close the averages should be, in points; None for no such check.
    """
    found = []
    for i, row in enumerate(table[table["language"] == "average"].to_dict("records")):
        gate = within[row["source"]]
        words = (
            "On {corpus} the untrained arm has an average F1 of {here:.1f}, beside {published:.1f} "
            "published ({source})."
        )
        numbers = {name: row[name] for name in ("corpus", "here", "published", "source")}
        if gate is not None:
            near = abs(row["difference"]) <= gate
            reproduced = "reproduced" if near else "not reproduced"
            words += f" The published score is {reproduced} within {{within:g}} points."
            numbers["within"] = gate
        found.append(Sentence(f"published.{i}", words, numbers))
    return found


def of_attacks(under_attack: pd.DataFrame) -> list[Sentence]:
    """The F1 that arms lose under each attack, in English and elsewhere.

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
            means = rows.groupby("arm")[["clean f1", "attacked f1", "drop in f1"]].mean()
            n = int(rows.groupby("arm")["n"].sum().max())
            words, numbers = _losses(means, ranked=n >= MIN_FOR_EXTREMES)
            words = f"Under {attack}, in {view}, {words} (n = {{n}} questions)."
            found.append(Sentence(f"attack {attack} {view}", words, numbers | {"n": n}))
    return found


def _losses(means: pd.DataFrame, *, ranked: bool) -> tuple[str, dict[str, Any]]:
    """Clean and attacked F1 of the arms that lose the most and the least, or on average."""
    if not ranked or len(means) == 1:
        whose = (
            f"of the arm {means.index[0]}"
            if len(means) == 1
            else f"averaged over {len(means)} arms"
        )
        clean, attacked, drop = (float(value) for value in means.mean())
        words = f"F1 {whose} goes from {{clean:.1f}} to {{attacked:.1f}}, by {{change:+.1f}} points"
        return words, {"clean": clean, "attacked": attacked, "change": -drop}
    parts: list[str] = []
    numbers: dict[str, Any] = {}
    for name, arm in (
        ("most", means["drop in f1"].idxmax()),
        ("least", means["drop in f1"].idxmin()),
    ):
        clean, attacked, drop = (float(value) for value in means.loc[arm])
        numbers |= {name: -drop, f"{name}_clean": clean, f"{name}_attacked": attacked}
        parts.append(
            f"the arm {arm} loses {name} F1 (from {{{name}_clean:.1f}} to {{{name}_attacked:.1f}}, "
            f"{{{name}:+.1f}} points)"
        )
    return " and ".join(parts), numbers


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
            f"{{n_highest}} questions answered correctly) and least often in {rates.index[0]} "
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
    """How often an example made against one model breaks another.

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
            f"Examples of {attack} made against one model break another in {{other:.0f}} % of "
            "{n_other} cases, and the model they were made against in {own:.0f} % of {n_own}."
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
        words = (
            f"{row['contrast']}, {row['measured']} ({row['condition']}, n = {{n}}): "
            "{estimate:+.1f}"
        )
        numbers = {"estimate": row["estimate"], "n": row["n"]}
        if row["low"] == row["low"]:
            words += (
                " ({low:+.1f} to {high:+.1f}); minimum detectable effect (80 % power) "
                "{detectable:.1f}."
            )
            numbers |= {name: row[name] for name in ("low", "high", "detectable")}
        else:
            words += f"; no interval ({row['why not']})."
        if row["left out"]:
            words += f" Left out because an arm has trained on them: {row['left out']}."
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
                f" In two languages the largest gain whose interval excludes zero is that of "
                f"{best['method']}: {{gain:+.1f}} ({{low:+.1f}} to {{high:+.1f}})."
            )
            numbers |= {name: float(best[name]) for name in ("gain", "low", "high")}
        elif part["gain"].notna().any():
            words += " In two languages no method has a gain whose interval lies above zero."
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
                words += ", permutation p after Holm's correction {p:.3f}"
                numbers["p"] = row["p (Holm)"]
            words += "; exploratory)."
        found.append(Sentence(f"relation {row['measure']}", words, numbers))
    return found
