"""The audit finds what was copied, and only that."""

import unicodedata

from datasets import Dataset

from xltlib.corpora.audit import audit

LONG = "one two three four five six seven eight nine ten eleven twelve"


def nli(*pairs, language="en"):
    return Dataset.from_list(
        [
            {"id": f"{language}{i}", "language": language, "sentence1": a, "sentence2": b}
            for i, (a, b) in enumerate(pairs)
        ]
    )


def test_an_exact_copy_is_found_whatever_its_case_and_punctuation():
    found = audit(nli((LONG, "x")), nli((LONG.upper() + "!", "other"), ("a", "b")))
    assert (found.exact, found.ngram_items, found.n_test) == (1, 1, 2)
    assert found.ngram_share == 0.5


def test_a_shared_run_of_words_is_found():
    part = "zero " + " ".join(LONG.split()[2:11]) + " end"
    found = audit(nli((LONG, "x")), nli((part, "y")))
    assert found.exact == 0
    assert found.ngram_items == 1
    assert 0 < found.ngram_share < 1


def test_nothing_is_found_where_nothing_is_shared_or_empty():
    found = audit(nli(("...", "")), nli(("!!!", "fresh words here")))
    assert (found.exact, found.ngram_items, found.ngram_share) == (0, 0, 0.0)


def test_unspaced_text_is_compared_by_characters():
    text = "位于班珠尔的剧院的落成典礼在十月举行"
    found = audit(nli((text, "x"), language="zh"), nli(("啊" + text, "y"), language="zh"))
    assert found.ngram_items == 1


def test_tasks_of_different_kinds_can_be_compared():
    tagged = Dataset.from_list([{"id": "t", "language": "en", "tokens": LONG.split()}])
    assert audit(tagged, nli((LONG, "x"))).exact == 1


def test_the_same_item_in_another_language_is_found_by_its_id():
    translated = nli(("eins", "zwei"), ("drei", "vier"), language="en")
    found = audit(nli(("one", "two")), translated)
    assert (found.same_id, found.exact) == (1, 0)


def test_a_copy_in_another_unicode_form_is_found():
    text = "서울은 대한민국의 수도이며 가장 큰 도시 입니다 그리고 또"
    decomposed = unicodedata.normalize("NFD", text)
    found = audit(nli((text, "x"), language="ko"), nli((decomposed, "y"), language="ko"))
    assert (found.exact, found.ngram_items, found.ngram_share) == (1, 1, 1.0)


def test_the_question_that_copa_always_asks_is_no_copy():
    def choices(premise, *options):
        row = {"id": premise, "language": "en", "premise": premise, "label": 0}
        row |= {"question": "What was the cause of this?", "choices": list(options)}
        return Dataset.from_list([row])

    train = choices("The man fell.", "It rained.", "He slept.")
    assert audit(train, choices("The sun rose.", "It was warm.", "It was day.")).exact == 0
    assert audit(train, choices("The man fell.", "It was warm.", "It was day.")).exact == 1
