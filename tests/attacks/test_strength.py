"""What makes recipes strong, and what keeps them honest."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from xltlib.attacks import validity
from xltlib.attacks.differences import edits
from xltlib.attacks.distractor_templates import AlteredQuestions
from xltlib.attacks.embedding import _free, ascend
from xltlib.attacks.homoglyph import look_alike_words, look_alikes
from xltlib.attacks.passage import Passage
from xltlib.attacks.similarity import MinWindowSimilarity
from xltlib.attacks.synonym import VocabularyNeighbours, same_ending
from xltlib.attacks.tasa import false_copies, sentence_around, words_to_change
from xltlib.attacks.white_box import WhiteBox


class Vocabulary:
    """A SentencePiece-like tokenizer, as far as its pieces are asked for."""

    all_special_tokens = ("<s>",)

    def __init__(self, *pieces):
        self.pieces = {piece: number for number, piece in enumerate(pieces)}

    def get_vocab(self):
        return self.pieces


def test_neighbours_come_from_the_vocabulary_and_not_from_the_rows():
    tokenizer = Vocabulary("▁house", "▁home", "▁maisoné", "▁дом", "▁far", "ing", "▁House")
    vectors = torch.tensor(
        [[1.0, 0.0], [0.9, 0.1], [1.0, 0.01], [1.0, 0.02], [-1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]
    )
    near = VocabularyNeighbours("en", tokenizer, vectors, nearest=5, min_cosine=0.5)
    french = VocabularyNeighbours("fr", tokenizer, vectors, nearest=5, min_cosine=0.5)
    assert french.get("house") == ("maisoné", "home")
    # Not itself in capitals, no other script, no letter that English lacks, nothing far away.
    assert near.get("house") == ("home",)
    assert near.get("unknown", ("default",)) == ("default",)


def test_endings_stand_in_for_parts_of_speech():
    assert same_ending("houses", "homes")
    assert not same_ending("houses", "home")
    assert same_ending("집은", "방은")
    assert same_ending("房子", "家")  # Han puts no endings on words


def test_a_window_moves_where_a_passage_hardly_does():
    text = Passage("q", " ".join(f"w{i}" for i in range(60)))
    new = text.replace_words_at_indices([text.question_words + 30], ["other"])

    def vectors(texts):
        counts = np.array([[len(one.split()), 6 * ("other" in one)] for one in texts], dtype=float)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)

    assert float(np.vdot(vectors([text.context]), vectors([new.context]))) > 0.99
    assert not MinWindowSimilarity(vectors, 0.95)._check_constraint(new, text)
    assert MinWindowSimilarity(vectors, 0.9)._check_constraint(new, text)


def test_the_strongest_look_alike_comes_first():
    import random

    first = next(look_alike_words("people", random.Random(0)))
    changed = [a != b for a, b in zip(first, "people", strict=True)]
    assert changed == [bool(look_alikes(char)) for char in "people"]
    assert sum(changed) > 1


@pytest.fixture
def one(predictor, rows):
    row = rows["en"][0]
    start = row["answers"]["answer_start"][0]
    span = (start, start + len(row["answers"]["text"][0]))
    return WhiteBox(predictor), row, (span,)


def test_no_copy_of_the_answer_moves_whatever_its_case(one):
    box, row, _ = one
    context = "Paris or PARIS?"
    windows = box.windows(row["question"], context)
    free = _free(windows, context, ["Paris"]).squeeze(-1).bool().cpu().numpy()
    moved = {at for start, end in windows.offsets[free] for at in range(start, end)}
    assert "".join(context[at] for at in sorted(moved)).split() == ["or", "?"]


def test_the_best_iterate_is_kept_and_restarts_never_hurt(one):
    box, row, spans = one
    shared = {"radius": 1.0, "step_size": 0.7, "seed": "1"}
    frozen = row["answers"]["text"]
    found = [
        ascend(box, row["question"], row["context"], spans, frozen, steps=steps, **shared)
        for steps in (1, 2, 6)
    ]
    probabilities = [one.probability for one in found]
    assert probabilities == sorted(probabilities, reverse=True)
    assert [one.queries for one in found] == [2, 4, 12]
    again = ascend(
        box, row["question"], row["context"], spans, frozen, steps=6, restarts=3, **shared
    )
    assert again.probability <= found[-1].probability
    assert again.queries == 36
    assert again.norm <= 1.0 + 1e-4
    few = ascend(
        box, row["question"], row["context"], spans, frozen, steps=6, max_queries=5, **shared
    )
    assert few.queries == 4


def test_an_ascent_ends_where_the_goal_is_reached(one):
    box, row, spans = one
    found = ascend(
        box,
        row["question"],
        row["context"],
        spans,
        (),
        radius=0.1,
        step_size=0.1,
        steps=9,
        reached=lambda answer: True,
    )
    assert found.queries == 2


CONTEXT = "Some rain fell. The Eiffel Tower was built in 1889 by Eiffel. It is tall."


def test_tasa_changes_what_sentence_and_question_share():
    row = {
        "language": "en",
        "question": "When was the Eiffel Tower built?",
        "context": CONTEXT,
        "answers": {"text": ["1889"], "answer_start": [CONTEXT.index("1889")]},
    }
    start = row["answers"]["answer_start"][0]
    first, last = sentence_around(CONTEXT, start, start + 4)
    assert CONTEXT[first:last] == "The Eiffel Tower was built in 1889 by Eiffel."
    text = Passage(row["question"], CONTEXT)
    chosen = [text.words[i] for i in sorted(words_to_change(row))]
    assert chosen == ["The", "Eiffel", "Tower", "was", "built", "Eiffel"]
    import random

    names = AlteredQuestions("en", [row["question"], "When did Notre Dame burn?"])
    copies = false_copies(
        CONTEXT, (start, start + 4), ["1889"], ["1931", "1889 or so"], names, random.Random(0)
    )
    assert len(copies) == 1
    assert "1931" in copies[0]
    assert "1889" not in copies[0]
    assert copies[0] != CONTEXT[first:last].replace("1889", "1931")  # about something else


def test_edits_are_found_when_words_change_and_a_sentence_comes_in():
    old = "One two three. Four five."
    new = "One zwei three. Four five. It is six."
    found = edits(old, new)
    assert len(found) == 2
    assert found[0] == {"old": "two", "new": "zwei", "start": 4}
    rebuilt, done = "", 0
    for edit in found:
        rebuilt += old[done : edit["start"]] + edit["new"]
        done = edit["start"] + len(edit["old"])
    assert rebuilt + old[done:] == new
    hidden = "One \u202eowt\u202c three. Four five."
    (only,) = edits(old, hidden)
    assert old[: only["start"]] + only["new"] + old[only["start"] + len(only["old"]) :] == hidden


def test_validity_counts_what_is_kept():
    results = pd.DataFrame(
        [
            {
                "language": "en",
                "context": CONTEXT,
                "attacked_context": CONTEXT.replace(*pair),
                "answers": {"text": ["1889"], "answer_start": [CONTEXT.index("1889")]},
                "edits": edits(CONTEXT, CONTEXT.replace(*pair)),
                "similarity": similarity,
            }
            for pair, similarity in ((("rain", "snow"), 0.95), (("Tower", "Twoer"), 0.8))
        ]
    )
    (row,) = validity.kept(results, {"en": {"snow"}}).to_dict("records")
    assert row == {
        "language": "en",
        "changed": 2,
        "answer sentence intact": 50.0,
        "known words": 50.0,
        "similar": 50.0,
    }
    pairs = results.assign(answers=[{"text": ["neutral"], "answer_start": [-1]}] * 2)
    assert validity.kept(pairs, {"en": {"snow"}})["answer sentence intact"].isna().all()
    model = SimpleNamespace(surprise=lambda text, a, b: 3.0 if "Twoer" in text else 1.0)
    assert validity.kept(results, {"en": set()}, model)["surprise"].tolist() == [1.0]
