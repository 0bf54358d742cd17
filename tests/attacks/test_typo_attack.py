"""The typo attack: correct in every script, inside its rules, resumable."""

import json
from collections import OrderedDict

import numpy as np
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from xltlib.artifacts import InputError
from xltlib.attacks import attack_examples
from xltlib.attacks.engine import edited_words
from xltlib.attacks.goal import AttackedText, occurrences
from xltlib.attacks.typo import Typo
from xltlib.evaluation.predictor import Prediction
from xltlib.languages import graphemes, words
from xltlib.params import AttackSettings

TEXTS = {
    "te": "హైదరాబాద్ నగరంలోని మ్యూజియం 1951లో ప్రారంభమైంది, క్ష్మ సందర్శకులు వస్తారు.",
    "bn": "বাংলাদেশের রাজধানী ঢাকা শহরের জাদুঘর ১৯৫১ সালে খোলা হয়েছিল, ক্ষ্মা দর্শক।",
    "ar": "كَتَبَ الوَلَدُ الدَّرْسَ فِي المَدْرَسَةِ ٱلرَّحْمَٰنِ سنة 1951",
    "ko": "서울(漢城)은 大韓民國의 首都이며 박물관은 1951년에 문을 열었다",
    "th": "กรุงเทพมหานคร เป็น เมืองหลวง น้ำ ของ ประเทศไทย ตั้งแต่ 1951",
    "hi": "दिल्ली का संग्रहालय क्षत्रिय 1951 में खुला था और बहुत बड़ा है",
    "ru": "Музей в городе Москва́ открылся в 1951 году, посетителей много",
    "en": "The iPhone museum — naïve e\u0301clair, ₹99,999 — opened in 1951; visitors don't stay.",
}


def settings_with(**changes):
    values = {
        "recipe": "typo",
        "target": "xquad",
        "test_sets": [{"corpus": "xquad", "languages": ["en"]}],
        "examples_per_language": 1,
        "max_queries": 80,
    }
    return AttackSettings(**(values | changes))


class Fragile:
    """Answers with the gold span while enough of the context's words are as they were."""

    def __init__(self, tolerance: int = 1) -> None:
        self.tolerance = tolerance
        self.known: dict[str, set[str]] = {}

    def score(self, questions, contexts, spans):
        predictions, gold = [], []
        for question, context, places in zip(questions, contexts, spans, strict=True):
            present = {context[a:b] for a, b in words(context)}
            lost = len(self.known.setdefault(question, present) - present)
            start, end = places[0] if lost <= self.tolerance else (0, 1)
            predictions.append(Prediction(context[start:end], start, end, 1 / (1 + lost)))
            gold.append(1 / (1 + lost))
        return predictions, np.array(gold)


def row(language, identity="q0", answer="1951"):
    context = TEXTS[language]
    return {
        "id": identity,
        "language": language,
        "question": f"{identity}? {context.split()[0]}",
        "context": context,
        "answers": {"text": [answer], "answer_start": [context.index(answer)]},
    }


@pytest.mark.parametrize("language", TEXTS)
def test_attacked_texts_keep_the_rules(language, tmp_path):
    answer = "1951" if language != "bn" else "১৯৫১"
    example = row(language, answer=answer)
    done = attack_examples(
        [example], Fragile(), settings_with(), tmp_path / "log.jsonl", progress=False
    ).iloc[0]
    assert done["outcome"] == "succeeded"
    original, attacked = example["context"], done["attacked_context"]
    assert done["question"] == example["question"]
    assert len(occurrences(attacked, answer)) == len(occurrences(original, answer)) == 1
    assert 1 <= done["n_edited_words"] <= 4
    # Putting the old words back gives the original, byte for byte.
    rebuilt, last = "", 0
    for edit in done["edits"]:
        assert original[edit["start"] :].startswith(edit["old"])
        rebuilt += original[last : edit["start"]] + edit["new"]
        last = edit["start"] + len(edit["old"])
    assert (rebuilt + original[last:]).encode() == attacked.encode()


SCRIPT_TEXT = st.text(st.sampled_from("".join(TEXTS.values())), min_size=1, max_size=60)


@settings(deadline=None)
@given(text=SCRIPT_TEXT)
def test_an_unmodified_text_is_the_same_byte_for_byte(text):
    attacked = AttackedText(OrderedDict([("question", "Ist?"), ("context", text)]))
    same = attacked.generate_new_attacked_text(list(attacked.words))
    assert same.tokenizer_input[1].encode() == text.encode()
    assert attacked.words[len(words("Ist?")) :] == [text[a:b] for a, b in words(text)]


@settings(deadline=None)
@given(data=st.data(), language=st.sampled_from(sorted(TEXTS)))
def test_typos_split_no_grapheme_and_orphan_no_mark(data, language):
    found = words(TEXTS[language])
    start, end = data.draw(st.sampled_from(found))
    word = TEXTS[language][start:end]
    before = graphemes(word)
    for typo in Typo(language, str(data.draw(st.integers(0, 99)))).candidates(word, start):
        assert typo != word
        assert not regex.match(r"\p{M}", typo)
        assert words(typo) == ((0, len(typo)),)
        after = graphemes(typo)
        assert abs(len(after) - len(before)) <= 1
        new = [cluster for cluster in after if cluster not in before]
        assert len(new) <= 1
        # A letter that is typed in is one whole letter of a script the word is in.
        assert all(len(cluster) == 1 for cluster in new)


def test_the_same_seed_gives_the_same_typos():
    assert Typo("te", "7").candidates("హైదరాబాద్", 3) == Typo("te", "7").candidates("హైదరాబాద్", 3)
    assert Typo("en", "7").candidates("museum", 3) != Typo("en", "8").candidates("museum", 3)


def test_an_interrupted_run_ends_as_an_uninterrupted_one(tmp_path):
    rows = [row(language, f"q{i}") for i in range(2) for language in ("en", "ru", "te")]
    whole = attack_examples(rows, Fragile(), settings_with(), tmp_path / "a", progress=False)
    attack_examples(rows[3:1:-1], Fragile(), settings_with(), tmp_path / "b", progress=False)
    log = (tmp_path / "b").read_text(encoding="utf-8")
    (tmp_path / "b").write_text(log[:-200], encoding="utf-8")  # a kill in the middle of a line
    again = attack_examples(rows, Fragile(), settings_with(), tmp_path / "b", progress=False)
    assert json.loads(whole.to_json()) == json.loads(again.to_json())


def test_queries_and_edits_stay_in_their_budget(tmp_path):
    tight = settings_with(max_queries=12, max_edited_words=2)
    rows = [row("en"), row("ko")]
    done = attack_examples(rows, Fragile(9), tight, tmp_path / "log", progress=False)
    assert (done["outcome"] == "failed").all()
    assert (done["queries"] <= 12).all()
    assert (done["n_edited_words"] <= 2).all()


def test_the_window_keeps_edits_near_the_answer(tmp_path):
    near = settings_with(window_words=2)
    done = attack_examples([row("ru")], Fragile(9), near, tmp_path / "log", progress=False).iloc[0]
    context = TEXTS["ru"]
    order = {start: i for i, (start, _) in enumerate(words(context))}
    answer = order[context.index("1951")]
    assert done["edits"]
    assert all(abs(order[edit["start"]] - answer) <= 2 for edit in done["edits"])


def test_wrong_clean_answers_are_skipped(tmp_path):
    example = row("en") | {"answers": {"text": ["museum"], "answer_start": [11]}}

    class Wrong(Fragile):
        def score(self, questions, contexts, spans):
            return [Prediction("zzz", 0, 3, 1.0)] * len(contexts), np.zeros(len(contexts))

    done = attack_examples([example], Wrong(), settings_with(), tmp_path / "log", progress=False)
    assert done.iloc[0]["outcome"] == "skipped"
    assert done.iloc[0]["edits"] == []


def test_an_unknown_recipe_names_those_there_are(tmp_path):
    unknown = settings_with().model_copy(update={"recipe": "typpo"})
    with pytest.raises(InputError, match="'typpo': no such recipe; known: typo"):
        attack_examples([row("en")], Fragile(), unknown, tmp_path / "log", progress=False)


def test_edited_words_are_found():
    assert edited_words("a big cat", "a bgi cat") == [{"old": "big", "new": "bgi", "start": 2}]
