"""Static test sets in a study: part of the params, the same text for every model."""

import json

import pytest

from tests.study.tiny_study import write_profile
from xltlib import params as schema
from xltlib.artifacts import InputError
from xltlib.params import TestSet
from xltlib.study import Grid, corpora, data

NOISE = {"kind": "typo", "severity": 0.2}


def static(**perturbation):
    return TestSet(corpus="tydiqa", languages=["en", "ru"], perturbation=perturbation or None)


@pytest.fixture(scope="module")
def params():
    from tests.conftest import ROOT

    return schema.load(ROOT / "params" / "quick.yaml")


def test_names_tell_sets_apart():
    assert data.names([static()]) == ["tydiqa"]
    assert data.names([static(**NOISE)]) == ["tydiqa+typo-20"]
    assert data.names([static(**NOISE, seed=2)]) == ["tydiqa+typo-20-seed2"]
    assert data.names([static(kind="addonesent")]) == ["tydiqa+addonesent"]
    assert data.names([static(kind="file", name="surrogate", file="x.json")]) == [
        "tydiqa+surrogate"
    ]


def test_noise_is_in_the_passage_and_nowhere_else(params):
    clean, noisy = (data.test_set(params, one) for one in (static(), static(**NOISE)))
    for language in ("en", "ru"):
        pairs = list(zip(clean[language], noisy[language], strict=True))
        assert sum(a["context"] != b["context"] for a, b in pairs) > 0.9 * len(pairs)
        for a, b in pairs:
            assert (a["id"], a["question"]) == (b["id"], b["question"])
            for text, start in zip(*b["answers"].values(), strict=True):
                assert b["context"][start : start + len(text)] == text


def test_a_cut_set_has_the_texts_of_the_whole_one(params):
    whole = data.test_set(params, static(kind="addonesent"))["en"]
    cut = static(kind="addonesent").model_copy(update={"max_examples": 3})
    assert list(data.test_set(params, cut)["en"]) == list(whole.select(range(3)))


def test_a_file_of_an_attack_is_read_back(params, tmp_path):
    rows = data.test_set(params, static())["en"]
    chosen = rows.select(range(2))
    data_ = [
        {
            "title": "en",
            "paragraphs": [
                {
                    "context": "False. " + row["context"],
                    "qas": [
                        {
                            "id": row["id"],
                            "question": row["question"],
                            "answers": [
                                {"text": text, "answer_start": start + 7}
                                for text, start in zip(*row["answers"].values(), strict=True)
                            ],
                        }
                    ],
                }
                for row in chosen
            ],
        }
    ]
    file = tmp_path / "static_set.json"
    file.write_text(json.dumps({"version": "1.1", "data": data_}))
    one = TestSet(
        corpus="tydiqa",
        languages=["en"],
        perturbation={"kind": "file", "name": "none", "file": file},
    )
    found = data.test_set(params, one)["en"]
    assert list(found["id"]) == list(chosen["id"])
    assert all(context.startswith("False. ") for context in found["context"])
    with pytest.raises(InputError, match="contains no question of the test set in 'ru'"):
        data.test_set(params, one.model_copy(update={"languages": ["ru"]}))


def test_codemix_takes_a_lexicon_and_needs_one_for_each_language(params, tmp_path):
    words = {row["context"].split()[0].lower() for row in data.test_set(params, static())["en"]}
    lexicon = tmp_path / "en.txt"
    lexicon.write_text("\n".join(f"{word}\tmot" for word in sorted(words)), encoding="utf-8")
    how = {"kind": "codemix", "lexicons": {"en": [lexicon]}}
    one = TestSet(corpus="tydiqa", languages=["en"], perturbation=how)
    found = data.test_set(params, one)["en"]
    assert any("mot" in context.lower().split() for context in found["context"])
    both = one.model_copy(update={"languages": ["en", "ru"]})
    with pytest.raises(InputError, match="no lexicon or parallel text in 'ru'"):
        data.test_set(params, both)


def test_a_profile_takes_static_sets(tmp_path, edit_profile):
    from tests.conftest import ROOT

    sets = [{"corpus": "tydiqa", "languages": ["en"], "perturbation": NOISE}]
    edits = {"targets.tydiqa.test_sets": sets}
    file = edit_profile(ROOT / "params" / "quick.yaml", tmp_path / "p.yaml", edits)
    assert data.names(schema.load(file).targets["tydiqa"].test_sets) == ["tydiqa+typo-20"]
    sets *= 2
    file = edit_profile(ROOT / "params" / "quick.yaml", tmp_path / "p.yaml", edits)
    with pytest.raises(InputError, match=r"tydiqa\+typo-20 test in en is listed twice"):
        schema.load(file)
    sets[1:] = [{"corpus": "tydiqa", "languages": ["en"]}]
    file = edit_profile(ROOT / "params" / "quick.yaml", tmp_path / "p.yaml", edits)
    assert len(schema.load(file).targets["tydiqa"].test_sets) == 2
    sets[0]["perturbation"] = NOISE | {"severity": 3}
    file = edit_profile(ROOT / "params" / "quick.yaml", tmp_path / "p.yaml", edits)
    with pytest.raises(InputError, match=r"test_sets\.0\.perturbation.*severity"):
        schema.load(file)


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        (
            {
                "targets.tydiqa.test_sets": [
                    {"corpus": "tydiqa", "languages": ["en"]}
                    | {"perturbation": {"kind": "file", "name": "mine", "file": "bad.json"}}
                ]
            },
            r"targets\.tydiqa\.test_sets\.0\.perturbation\.file: .*bad\.json: no list of articles",
        ),
        (
            {"methods.mine": {"kind": "rs-da", "neighbours": {"en": "bad.json"}}},
            r"methods\.mine\.neighbours\.en: .*bad\.json: the neighbours of 'a' must be a list",
        ),
        (
            {"attacks.typo.recipe": {"kind": "codemix", "lexicons": {"en": ["bad.txt"]}}},
            r"attacks\.typo\.recipe\.lexicons\.en: .*bad\.txt",
        ),
    ],
)
def test_the_first_stage_refuses_files_that_later_ones_could_not_read(
    tmp_path, tiny_encoder, edit_profile, edits, message
):
    """Not after hours of training."""
    (tmp_path / "bad.json").write_text('{"a": 1}')
    (tmp_path / "bad.txt").write_text("word\n")
    file = edit_profile(write_profile(tmp_path, tiny_encoder), tmp_path / "mine.yaml", edits)
    (cell,) = Grid(schema.load(file)).cells("corpora")
    with pytest.raises(InputError, match=message):
        corpora.prepare(cell)
