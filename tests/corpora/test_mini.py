"""mini: parallel, exact, deterministic, and no fact on two sides."""

import pytest
import regex

from xltlib.artifacts import InputError
from xltlib.corpora import mini
from xltlib.corpora.mini import facts
from xltlib.languages import LANGUAGES
from xltlib.params import MiniSettings

SMALL = MiniSettings(seed=3, train=40, dev=20, test=30)
STOP = set(
    "with the of in is a to at for what where when which who how do does on and it be".split()
)


@pytest.fixture(scope="module")
def test_sets():
    return {code: mini.qa(code, "test", SMALL) for code in mini.LANGUAGES}


@pytest.mark.parametrize("code", mini.LANGUAGES)
def test_answers_stand_once_and_where_they_are_said_to(code, test_sets):
    for row in test_sets[code]:
        (text,), (start,) = row["answers"]["text"], row["answers"]["answer_start"]
        assert row["context"][start : start + len(text)] == text
        assert row["context"].count(text) == 1


@pytest.mark.parametrize("code", mini.LANGUAGES)
def test_text_is_in_its_own_script(code, test_sets):
    text = "".join(test_sets[code]["context"])
    letters = regex.findall(r"\p{L}", text)
    own = regex.findall(rf"(?=\p{{L}})\p{{Script={LANGUAGES[code].script}}}", text)
    assert len(own) >= 0.99 * len(letters)
    if code == "bn":
        assert not regex.search("[0-9]", text)


def test_rows_are_parallel(test_sets):
    ids = {tuple(rows["id"]) for rows in test_sets.values()}
    assert len(ids) == 1
    for build in (mini.nli, mini.paraphrase, mini.choice, mini.tagging, mini.bitext):
        assert len({tuple(build(code, "dev", SMALL)["id"]) for code in mini.LANGUAGES}) == 1


def test_two_places_of_one_kind_with_the_same_relations():
    for index in range(50):
        document = facts.draw_document("train", index, 3)
        first, second = document.places
        assert first.kind == second.kind
        assert first.city != second.city
        told = [{r for p, r, _ in document.order if p == place} for place in (0, 1)]
        assert told[0] == told[1]
        assert document.asked[1] in told[0]
        assert all(first.values[r] != second.values[r] for r in facts.RELATIONS)


def test_questions_share_little_wording_with_the_answer_sentence():
    templates = facts.templates_of("en")
    for relation, wordings in templates.relations.items():
        for say in wordings.say:
            for ask in wordings.ask:
                shared = set(regex.findall(r"\w+", say.lower())) & set(
                    regex.findall(r"\w+", ask.lower())
                )
                assert shared - STOP - {"entity", "value"} == set(), (relation, say, ask)


def test_no_city_and_so_no_fact_is_in_two_splits():
    cities = {split: set(facts.cities_of(3)[split]) for split in mini.SPLITS}
    assert not cities["train"] & cities["test"]
    assert not cities["train"] & cities["dev"]
    assert not cities["dev"] & cities["test"]
    used = {facts.draw_document("test", i, 3).places[k].city for i in range(200) for k in (0, 1)}
    assert used <= cities["test"]


def test_a_larger_split_begins_with_the_smaller_one():
    larger = MiniSettings(seed=3, train=60, dev=20, test=30)
    assert mini.qa("fi", "train", larger)[:40] == mini.qa("fi", "train", SMALL)[:]


def test_seeds_make_other_texts_and_the_same_seed_the_same():
    other = MiniSettings(seed=4, train=40, dev=20, test=30)
    assert mini.qa("te", "dev", SMALL)[:] == mini.qa("te", "dev", SMALL)[:]
    assert mini.qa("te", "dev", SMALL)["context"] != mini.qa("te", "dev", other)["context"]


def test_nli_labels_take_turns_and_follow_from_the_facts():
    rows = mini.nli("en", "train", SMALL)
    assert [rows["label"].count(label) for label in range(3)] == [14, 13, 13]
    entailed = [row for row in rows if row["label"] == 0]
    assert all(row["sentence2"] not in row["sentence1"] for row in entailed)


@pytest.mark.parametrize("code", ["en", "te", "zh", "ar"])
def test_tags_are_bio_and_mark_a_city_and_a_value(code):
    for row in mini.tagging(code, "dev", SMALL):
        assert len(row["tokens"]) == len(row["tags"])
        assert set(row["tags"]) <= set(mini.SLOT_TAGS)
        begun = [tag for tag in row["tags"] if tag.startswith("B-")]
        assert len(begun) == 2
        assert "B-CITY" in begun
        for before, tag in zip(["O", *row["tags"]], row["tags"], strict=False):
            if tag.startswith("I-"):
                assert before[2:] == tag[2:]


def test_every_language_says_every_relation_twice_and_asks_twice():
    for code in mini.LANGUAGES:
        templates = facts.templates_of(code)
        for wordings in templates.relations.values():
            assert len({*wordings.say, *wordings.ask}) == 4


def test_a_bad_template_names_its_file_and_key(tmp_path):
    file = tmp_path / "xx.yaml"
    file.write_text("kinds: {museum: {entity: m}}", encoding="utf-8")
    with pytest.raises(InputError, match=r"(?s)xx\.yaml.*kinds\.museum\.of"):
        facts.read_templates(file)


def test_an_unknown_split_is_refused():
    with pytest.raises(InputError, match="no split 'validation'"):
        mini.qa("en", "validation", SMALL)
