"""Edits by splicing give what TextAttack's own text gives, in every script."""

from __future__ import annotations

from collections import OrderedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xltlib.attacks.passage import Passage
from xltlib.attacks.textattack_patch import words_from_text
from xltlib.corpora.squad_files import read_squad
from xltlib.languages import words

LETTERS = "abAбఁహైদকাठกข่中国あカ가각\u0301\u200d '’_-.,،。 \n1٣+😀"


def stock(passage: Passage):
    from textattack.shared import AttackedText

    return AttackedText(OrderedDict([("question", passage.question), ("context", passage.context)]))


@settings(max_examples=300, deadline=None)
@given(st.text(LETTERS, max_size=40), st.text(LETTERS, max_size=6), st.integers(0, 30))
def test_words_stand_where_a_fresh_look_finds_them(context, new, at):
    passage = Passage("Who is it?", context)
    if not passage.spans:
        return
    index = passage.question_words + at % len(passage.spans)
    edited = passage.replace_word_at_index(index, new)
    assert edited.spans == words(edited.context)
    assert edited.words == words_from_text(edited.text)
    assert edited.question == passage.question
    if edited.word_for_word:
        put = words_from_text(new)
        assert edited.words == passage.words[:index] + put + passage.words[index + 1 :]
        if edited.num_words > index:
            assert edited.origin(index) == (index if put else index + 1)


@settings(max_examples=200, deadline=None)
@given(
    st.text(LETTERS, max_size=40),
    st.lists(st.text(LETTERS, max_size=6), max_size=4),
    st.integers(0, 30),
)
def test_candidates_together_give_what_each_gives_alone(context, candidates, at):
    passage = Passage("Who is it?", context)
    if not passage.spans:
        return
    index = passage.question_words + at % len(passage.spans)
    together = passage.with_candidates(index, candidates)
    for new, text in zip(candidates, together, strict=True):
        alone = passage.replace_word_at_index(index, new)
        assert (text.context, text.spans) == (alone.context, words(text.context))
        assert text.word_for_word == alone.word_for_word
        assert text.attack_attrs["modified_indices"] == alone.attack_attrs["modified_indices"]
        moved = [one.attack_attrs["original_index_map"].tolist() for one in (text, alone)]
        assert moved[0] == moved[1]


@pytest.mark.parametrize("code", ["en", "th", "zh", "hi", "ar"])
def test_edits_are_textattacks_own(shared_data, code):
    for row in list(read_squad(shared_data / f"xquad/xquad.{code}.json", code))[:60:6]:
        passage = Passage(row["question"], row["context"])
        plain = stock(passage)
        assert passage.words == plain.words
        for index in range(passage.question_words, passage.num_words, 17):
            new = passage.words[-1]
            ours, theirs = (t.replace_word_at_index(index, new) for t in (passage, plain))
            assert ours.tokenizer_input == theirs.tokenizer_input
            if ours.word_for_word:
                for name in ("modified_indices", "newly_modified_indices"):
                    assert ours.attack_attrs[name] == theirs.attack_attrs[name]


@pytest.mark.parametrize("code", ["en", "th", "zh", "hi", "ar"])
def test_deletions_are_textattacks_own_wherever_the_word_stands(shared_data, code):
    row = read_squad(shared_data / f"xquad/xquad.{code}.json", code)[0]
    passage = Passage(row["question"], row["context"])
    plain, unspaced = stock(passage), 0
    for index in range(passage.question_words, passage.num_words):
        start, _ = passage.spans[index - passage.question_words]
        unspaced += passage.context[start - 1 : start] != " "
        ours, theirs = (t.delete_word_at_index(index) for t in (passage, plain))
        assert ours.tokenizer_input == theirs.tokenizer_input
    assert unspaced  # the first word at least; also words after a hyphen or bracket, or unspaced


def test_a_passage_may_hold_textattacks_own_mark():
    passage = Passage("Who?", "It was <SPLIT> by Ada in two.")
    edited = passage.replace_word_at_index(passage.words.index("two"), "three")
    assert edited.tokenizer_input == ("Who?", "It was <SPLIT> by Ada in three.")


def test_the_question_cannot_be_edited():
    with pytest.raises(ValueError, match="only words of the context"):
        Passage("Who is it?", "Ada.").replace_word_at_index(0, "When")


def test_words_may_come_and_go():
    passage = Passage("Who?", "one two three four")
    two = passage.question_words + 1
    more = passage.replace_word_at_index(two, "two more")
    assert more.words == ["Who", "one", "two", "more", "three", "four"]
    assert more.word_for_word
    assert more.attack_attrs["modified_indices"] == {two + 1}  # "two" is as it was
    assert [more.origin(i) for i in range(more.num_words)] == [0, 1, 2, 2, 3, 4]
    assert list(more.attack_attrs["original_index_map"]) == [0, 1, 2, 4, 5]
    fewer = more.delete_word_at_index(two)
    assert fewer.context == "one more three four"
    assert list(fewer.attack_attrs["original_index_map"]) == [0, 1, -1, 3, 4]
    assert fewer.attack_attrs["modified_indices"] == {two}


def test_two_words_become_one():
    passage = Passage("Who?", "one two three four")
    two = passage.question_words + 1
    merged = passage.replace_words_at_indices([two, two + 1], ["many", ""])
    assert merged.context == "one many four"
    assert merged.word_for_word
    assert merged.attack_attrs["modified_indices"] == {two}
    assert list(merged.attack_attrs["original_index_map"]) == [0, 1, 2, -1, 3]
    assert [merged.origin(i) for i in range(merged.num_words)] == [0, 1, 2, 4]


def test_words_of_the_question_may_be_replaced_by_themselves():
    """TextAttack's genetic searches cross all words of two texts."""
    passage = Passage("Who is it?", "It was Ada.")
    mixed = passage.replace_words_at_indices([0, 1, 3], ["Who", "is", "This"])
    assert mixed.tokenizer_input == ("Who is it?", "This was Ada.")
    assert mixed.attack_attrs["modified_indices"] == {3}
    same = passage.replace_words_at_indices([0, 2], ["Who", "it"])
    assert same == passage
    assert same.attack_attrs["modified_indices"] == set()
