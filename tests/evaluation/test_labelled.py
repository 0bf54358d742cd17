"""Heads answer in every language and in every pair of them; averages are the published ones."""

import pytest
from datasets import Dataset

from xltlib.artifacts import InputError
from xltlib.corpora import mini, pawsx
from xltlib.evaluation.labelled import (
    answer,
    averages,
    language_pairs,
    most_frequent_score,
    summarize,
)
from xltlib.params import CorpusSource, EncoderSettings, MiniSettings
from xltlib.tasks.classification import Classification
from xltlib.tasks.tagging import Tagging
from xltlib.training.multitask import MultiTaskModel, load_pretrained

SIZE = MiniSettings(test=6)


def sets(*codes):
    return {code: mini.nli(code, "test", SIZE) for code in codes}


def test_all_ordered_pairs_take_sentence_1_from_the_first_language_and_2_from_the_second():
    languages = sets("en", "ru", "fi")
    pairs = dict(language_pairs(languages))
    assert list(pairs) == [f"{a}-{b}" for a in languages for b in languages]
    for name, rows in pairs.items():
        a, b = name.split("-")
        assert rows["sentence1"] == languages[a]["sentence1"]
        assert rows["sentence2"] == languages[b]["sentence2"]
        assert rows["label"] == languages[a]["label"]
        assert rows["id"] == languages[a]["id"]
        assert set(rows["language"]) == {name}


def test_rows_are_aligned_by_id_and_only_those_of_all_languages_are_taken():
    languages = sets("en", "ru")
    languages["ru"] = languages["ru"].select([5, 3, 1, 0])
    pairs = dict(language_pairs(languages))
    kept = [languages["en"]["id"][i] for i in (0, 1, 3, 5)]
    assert all(rows["id"] == kept for rows in pairs.values())
    assert pairs["en-ru"]["sentence2"][1] == languages["ru"]["sentence2"][2]


def test_languages_that_share_no_row_or_are_not_aligned_are_refused():
    languages = sets("en")
    other = mini.nli("ru", "dev", MiniSettings(dev=6))
    with pytest.raises(InputError, match="en ru: no row exists in all of these languages"):
        list(language_pairs(languages | {"ru": other}))
    wrong = languages["en"].map(lambda row: {"label": (row["label"] + 1) % 3})
    with pytest.raises(InputError, match="en de: 6 of the 6 rows with the same id have different"):
        list(language_pairs(languages | {"de": wrong}))


def test_rows_that_languages_label_differently_are_in_no_pair():
    en, de = (mini.nli(language, "test", MiniSettings(test=40)) for language in ("en", "de"))
    de = de.map(lambda row, i: {"label": (row["label"] + (i == 3)) % 3}, with_indices=True)
    pairs = dict(language_pairs({"en": en, "de": de}))
    kept = [identity for i, identity in enumerate(en["id"]) if i != 3]
    assert [rows["id"] for rows in pairs.values()] == [kept] * 4


def test_untranslated_sentences_are_in_no_pair_and_link_nothing(tiny_encoder, tiny_tokenizer):
    en, de = (mini.paraphrase(language, "test", SIZE) for language in ("en", "de"))
    de = de.map(
        lambda row, i: row | ({"sentence1": "NS"} if i in (1, 4) else {}), with_indices=True
    )
    pairs = dict(language_pairs({"en": en, "de": de}))
    kept = [identity for i, identity in enumerate(en["id"]) if i not in (1, 4)]
    assert [rows["id"] for rows in pairs.values()] == [kept] * 4
    kind = Classification(pawsx.LABELS, 64)
    model = MultiTaskModel(load_pretrained_encoder(tiny_encoder), {"pawsx": kind}).eval()
    options = {"batch_size": 4, "precision": "float32"}
    passages = list(answer(model, "pawsx", tiny_tokenizer, "pawsx", de, **options)["passage"])
    assert passages[1] != passages[4]
    # Pairs that share sentence 2 are not independent either.
    shared = de.map(
        lambda row, i: row | ({"sentence2": de["sentence2"][0]} if i == 3 else {}),
        with_indices=True,
    )
    passages = list(answer(model, "pawsx", tiny_tokenizer, "pawsx", shared, **options)["passage"])
    assert passages[3] == passages[0]


def test_all_49_pairs_of_the_real_paws_x_have_the_same_items(shared_data):
    source = CorpusSource(source="local", folder=shared_data / "pawsx")
    pairs = dict(
        language_pairs({code: pawsx.load(source, code, "dev") for code in pawsx.LANGUAGES})
    )
    assert len(pairs) == 49
    assert {tuple(rows["id"]) for rows in pairs.values()} == {tuple(pairs["en-en"]["id"])}
    assert len(pairs["en-en"]) == 1_848  # without what is labelled differently or untranslated


def test_answers_keep_their_ids_and_their_scores_follow_from_them(tiny_encoder, tiny_tokenizer):
    kind = Classification(("entailment", "neutral", "contradiction"), 64)
    encoder = load_pretrained_encoder(tiny_encoder)
    model = MultiTaskModel(encoder, {"nli": kind}).eval()
    rows = mini.nli("en", "test", SIZE)
    frame = answer(model, "nli", tiny_tokenizer, "xnli", rows, batch_size=4, precision="float32")
    assert list(frame["id"]) == rows["id"]
    assert list(frame["gold"]) == [kind.labels[label] for label in rows["label"]]
    assert (frame["correct"] == (frame["prediction"] == frame["gold"])).all()
    summary = summarize(frame, kind)["xnli"]
    assert summary["languages"]["en"] == {
        "accuracy": pytest.approx(100 * frame["correct"].mean()),
        "n": 6,
    }


def load_pretrained_encoder(folder):
    from transformers import AutoModel

    return load_pretrained(AutoModel, folder, EncoderSettings())


def test_averages_are_over_languages_or_over_pairs():
    assert averages({"en": 90.0, "fi": 60.0, "te": 30.0}) == {
        "without_en": 45.0,
        "xtreme_with_en": 60.0,
    }
    assert averages({"en": 90.0}) == {"xtreme_with_en": 90.0}
    pairs = {"en-en": 90.0, "en-fi": 50.0, "fi-en": 60.0, "fi-fi": 80.0}
    assert averages(pairs) == {"pooled": 70.0, "off_diagonal": 55.0}


def test_tags_are_scored_over_all_sentences_of_a_language():
    import pandas as pd

    frame = pd.DataFrame(
        {
            "corpus": "wikiann",
            "language": "fi",
            "id": ["a", "b"],
            "prediction": ["B-LOC O", "O"],
            "gold": ["B-LOC I-LOC", "B-LOC"],
            "correct": [0.5, 0.0],
        }
    )
    scores = summarize(frame, Tagging(("O", "B-LOC", "I-LOC")))["wikiann"]["languages"]["fi"]
    assert scores["f1"] == 0.0
    assert scores["accuracy"] == pytest.approx(100 / 3)


def test_always_choosing_the_most_frequent_label_is_what_has_not_learnt_scores():
    kind = Classification(pawsx.LABELS, 64)
    rows = Dataset.from_list([{"label": label} for label in (0, 0, 0, 1)])
    assert most_frequent_score(kind, rows) == 75.0
    tags = Dataset.from_list([{"tags": ["NOUN", "NOUN", "VERB"]}, {"tags": ["NOUN"]}])
    assert most_frequent_score(Tagging(("NOUN", "VERB"), 64), tags) == 75.0
    entities = Dataset.from_list([{"tags": ["O", "O", "B-PER"]}])
    assert most_frequent_score(Tagging(("O", "B-PER", "I-PER"), 64), entities) == 0.0
    assert most_frequent_score(kind, Dataset.from_list([{"question": "?"}])) == 0.0
