"""What tables and figures show, by the names of their files, for captions."""

from __future__ import annotations

TITLES = {
    "alignment": "Alignment of translations (cosines)",
    "alignment_and_robustness": "Alignment, distance and the drop in F1 under attack, by language",
    "answer": "The first contrast of arms, clean and under each condition",
    "attack_transfer": "Examples made against one model and tested on others (% broken)",
    "by_type": "F1 by kind of answer and question word (points)",
    "calibration": "Calibration error (points)",
    "claims": "The verdict on each comparison of each claim",
    "clean_against_attacked": "Clean and attacked F1 of each model and language (points)",
    "clean_and_attacked": "F1 before and under each attack, by language",
    "cloze": "RankC of words, by pair of languages (points)",
    "contrast": "All contrasts between arms",
    "contrasts": "All contrasts between arms, in the unit of each measure",
    "cost": "Cost of a training step of each method",
    "effective_robustness": "Effective robustness",
    "gains": "Robust minus standard training",
    "heat_map": "Accuracy by pair of languages",
    "means": "Accuracy averaged over pairs of languages, and gains of robust training (points)",
    "mixed_model": "The first contrast by a mixed model (points of F1)",
    "on_common_questions": "F1 and EM on the questions that every model answers correctly (points)",
    "pairs": "Accuracy by pair of languages (points)",
    "probe": "Accuracy of a probe for tags (points)",
    "published": "F1 beside published scores (points)",
    "rank_consistency": "RankC of answers, by pair of languages (points)",
    "relation": "Correlations of measures with F1 and its drop, over languages",
    "reliability": "Exact match against the probability of the answer",
    "representation_change": "What each arm changes in the representation",
    "retrieval": "Retrieval of translations or answers (points)",
    "rotation": "F1 after a rotation of the representation (points)",
    "scores": "F1 and EM on clean text (points)",
    "scores_by_language": "F1 on clean text, by language",
    "success_rate": "Success rates of attacks (%)",
    "under_attack": "F1 and EM before and under each attack (points)",
    "verdicts": "The interval and the verdict of each comparison",
}


def title(name: str) -> str:
    """The title of a table or figure. The name may end in the task or corpus that it is about;
    a table or figure that is not listed has its name as title."""
    known = [one for one in TITLES if name == one or name.startswith(f"{one}_")]
    if not known:
        words = name.replace("_", " ")
        return words[0].upper() + words[1:]
    longest = max(known, key=len)
    about = name[len(longest) + 1 :]
    return f"{TITLES[longest]}: {about}" if about else TITLES[longest]
