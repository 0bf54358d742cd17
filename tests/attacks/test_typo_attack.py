"""The typo attack: correct in every script, inside its rules, resumable."""

import json
import random
import unicodedata
from collections import OrderedDict
from itertools import islice

import numpy as np
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from textattack.shared import AttackedText

from xltlib.attacks import Resources, attack_examples
from xltlib.attacks.differences import edits
from xltlib.attacks.goal import occurrences
from xltlib.attacks.keyboard import neighbours
from xltlib.attacks.typo import Typo, misspellings
from xltlib.evaluation.predictor import Prediction
from xltlib.languages import alphabets, graphemes, words
from xltlib.params import TypoSettings

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


def attacked(rows, model, log, **changes):
    """The rows after the typo attack on a model."""
    settings = TypoSettings(**({"max_queries": 80} | changes))
    return attack_examples(rows, Resources(model, {}), settings, log, progress=False)


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
    done = attacked([example], Fragile(), tmp_path / "log.jsonl").iloc[0]
    assert done["outcome"] == "succeeded"
    original, changed = example["context"], done["attacked_context"]
    assert done["question"] == example["question"]
    assert len(occurrences(changed, answer)) == len(occurrences(original, answer)) == 1
    assert 1 <= done["n_edited_words"] <= 4
    # Putting the old words back gives the original, byte for byte.
    rebuilt, last = "", 0
    for edit in done["edits"]:
        assert original[edit["start"] :].startswith(edit["old"])
        rebuilt += original[last : edit["start"]] + edit["new"]
        last = edit["start"] + len(edit["old"])
    assert (rebuilt + original[last:]).encode() == changed.encode()


SCRIPT_TEXT = st.text(st.sampled_from("".join(TEXTS.values())), min_size=1, max_size=60)


@settings(deadline=None)
@given(text=SCRIPT_TEXT)
def test_an_unmodified_text_is_the_same_byte_for_byte(text):
    first = AttackedText(OrderedDict([("question", "Ist?"), ("context", text)]))
    same = first.generate_new_attacked_text(list(first.words))
    assert same.tokenizer_input[1].encode() == text.encode()
    assert first.words[len(words("Ist?")) :] == [text[a:b] for a, b in words(text)]


@settings(deadline=None)
@given(data=st.data(), language=st.sampled_from(sorted(TEXTS)))
def test_typos_split_no_grapheme_and_orphan_no_mark(data, language):
    index = data.draw(st.integers(0, len(words(TEXTS[language])) - 1))
    text = AttackedText(TEXTS[language])
    word, before = text.words[index], graphemes(text.words[index])
    for typo in Typo(language, str(data.draw(st.integers(0, 99)))).fit(text, index):
        assert typo != word
        assert not regex.match(r"\p{M}", typo)
        assert words(typo) == ((0, len(typo)),)
        after = graphemes(typo)
        assert abs(len(after) - len(before)) <= 1
        new = [cluster for cluster in after if cluster not in before]
        assert len(new) <= 1


@pytest.mark.parametrize(
    ("word", "language", "letters"),
    [
        ("東京都", "ja", alphabets.KANJI),
        ("テレビ", "ja", alphabets.letters("Katakana")),
        ("臺灣", "zh-Hant", alphabets.TRADITIONAL_HAN),
        ("漢城", "ko", alphabets.TRADITIONAL_HAN),
        ("北京", "en", alphabets.HAN),
        ("ירושלים", "en", alphabets.letters("Hebr")),
        ("ኢትዮጵያ", "en", alphabets.letters("Ethi")),
        ("თბილისი", "ru", alphabets.letters("Geor")),
    ],
)
def test_typed_letters_are_of_the_word_s_own_script(word, language, letters):
    made = list(islice(misspellings(word, language, random.Random(0)), 60))
    assert len(set(made)) > 10
    typed = set("".join(made)) - set(word)
    assert typed
    assert typed <= set(letters)


def test_the_same_seed_gives_the_same_typos():
    telugu, english = AttackedText(TEXTS["te"]), AttackedText(TEXTS["en"])
    assert Typo("te", "7").fit(telugu, 0) == Typo("te", "7").fit(telugu, 0)
    assert Typo("en", "7").fit(english, 2) != Typo("en", "8").fit(english, 2)


@pytest.mark.parametrize(
    ("char", "language", "beside"),
    [
        ("g", "en", "bfhtvy"),
        ("а", "ru", "вепмсу"),
        ("ن", "ar", "اةتعىم"),
        ("ᄋ", "ko", "ᄂᄃᄀᄅᄎᄑ"),
        ("ి", "te", "ు్ీ"),
        ("ক", "bn", "খগোহতন"),
    ],
)
def test_neighbours_are_the_keys_around_a_key(char, language, beside):
    found = neighbours(char, language)
    assert found
    assert char not in found
    # A letter's neighbours are letters and a mark's are marks.
    assert {unicodedata.category(one)[0] for one in found} == {unicodedata.category(char)[0]}
    assert len(set(found) & set(beside)) >= 2


def test_a_mistyped_hangul_syllable_is_a_syllable():
    text = AttackedText("한국어는 재미있다")
    found = {typo for seed in range(40) for typo in Typo("ko", str(seed)).fit(text, 0)}
    assert len(found) > 20
    assert all(regex.fullmatch(r"[가-힣]+", typo) for typo in found)


def test_an_interrupted_run_ends_as_an_uninterrupted_one(tmp_path):
    rows = [row(language, f"q{i}") for i in range(2) for language in ("en", "ru", "te")]
    whole = attacked(rows, Fragile(), tmp_path / "a")
    attacked(rows[3:1:-1], Fragile(), tmp_path / "b")
    log = (tmp_path / "b").read_text(encoding="utf-8")
    (tmp_path / "b").write_text(log[:-200], encoding="utf-8")  # a kill in the middle of a line
    again = attacked(rows, Fragile(), tmp_path / "b")
    assert json.loads(whole.to_json()) == json.loads(again.to_json())


def test_queries_and_edits_stay_in_their_budget(tmp_path):
    rows = [row("en"), row("ko")]
    done = attacked(rows, Fragile(9), tmp_path / "log", max_queries=12, max_edited_words=2)
    assert (done["outcome"] == "failed").all()
    assert (done["queries"] <= 12).all()
    assert (done["n_edited_words"] <= 2).all()


def test_the_window_keeps_edits_near_the_answer(tmp_path):
    done = attacked([row("ru")], Fragile(9), tmp_path / "log", window_words=2).iloc[0]
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

    done = attacked([example], Wrong(), tmp_path / "log")
    assert done.iloc[0]["outcome"] == "skipped"
    assert done.iloc[0]["edits"] == []


def test_edits_are_found():
    assert edits("a big cat", "a bgi cat") == [{"old": "big", "new": "bgi", "start": 2}]
    assert edits("One. Two.", "One. False. Two.") == [{"old": "", "new": "False. ", "start": 5}]
    assert edits("One. Two.", "One. Three. Two.") == [{"old": "", "new": "Three. ", "start": 5}]
    assert edits("One.", "One. False.") == [{"old": "", "new": " False.", "start": 4}]
    # One word goes and another comes: those between them have only moved.
    assert edits("one two three four five", "two three four nine five") == [
        {"old": "one ", "new": "", "start": 0},
        {"old": "", "new": " nine", "start": 18},
    ]
