"""One call for any model, any rows, any language, and recipes of one's own."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from datasets import Dataset, DatasetDict
from textattack import Attack
from textattack.constraints.pre_transformation import RepeatModification
from textattack.search_methods import (
    AlzantotGeneticAlgorithm,
    GreedyWordSwapWIR,
    ImprovedGeneticAlgorithm,
    ParticleSwarmOptimization,
)
from textattack.transformations import WordSwapRandomCharacterDeletion
from transformers import AutoConfig, AutoModel, AutoModelForQuestionAnswering, AutoTokenizer

from xltlib.artifacts import InputError
from xltlib.attacks import annotation, attack, folder, report, static_set, validity, worst_of
from xltlib.attacks.constraints import ContextOutsideAnswer, WordForWord
from xltlib.attacks.rows import read_rows
from xltlib.evaluation.predictor import Prediction, SpanPredictor
from xltlib.params import EngineSettings, TypoSettings

QUICK = {"progress": False, "max_queries": 12, "ranking": "random"}


def plain(row):
    """A row as a hub data set has it: no language."""
    return {name: row[name] for name in ("id", "question", "context", "answers")}


@pytest.fixture(scope="module")
def some(rows):
    return [plain(row) for row in rows["en"][:3]]


def texts(done):
    return done.results["attacked_context"].tolist()


def test_every_form_of_a_model_gives_the_same(qa_folder, predictor, some):
    model = AutoModelForQuestionAnswering.from_pretrained(qa_folder)
    tokenizer = AutoTokenizer.from_pretrained(qa_folder)
    found = [
        attack(one, some, "typo", language="en", **QUICK, **more)
        for one, more in (
            (qa_folder, {}),
            (str(qa_folder), {}),
            (SpanPredictor(model, tokenizer), {}),
            (model, {"tokenizer": tokenizer}),
            ((model, tokenizer), {}),
        )
    ]
    assert all(texts(one) == texts(found[0]) for one in found)
    assert (found[0].results["n_edited_words"] > 0).any()


def test_a_function_is_attacked_with_and_without_probabilities(predictor, some):
    def answer(questions, contexts):
        return [found.text for found in predictor.predict(questions, contexts)]

    def with_probability(questions, contexts):
        return [(found.text, found.probability) for found in predictor.predict(questions, contexts)]

    def like_a_pipeline(questions, contexts):
        return [{"answer": a, "score": p} for a, p in with_probability(questions, contexts)]

    done = [
        attack(one, some, "typo", language="en", **QUICK)
        for one in (answer, with_probability, like_a_pipeline)
    ]
    for one in done:
        assert set(one.results["outcome"]) <= {"succeeded", "failed"}
        assert (one.results["queries"] <= 12).all()
    assert texts(done[1]) == texts(done[2])


@pytest.mark.parametrize("form", ["list", "dataset", "frame", "file", "answers as a list"])
def test_rows_come_as_they_are(some, form, tmp_path):
    given = [dict(row) for row in some]
    if form == "dataset":
        given = Dataset.from_list(given)
    elif form == "frame":
        given = pd.DataFrame(given)
        given["answers"] = [
            {name: np.array(values) for name, values in one.items()} for one in given["answers"]
        ]
    elif form == "file":
        file = tmp_path / "squad.json"
        paragraphs = [
            {
                "context": row["context"],
                "qas": [
                    {"id": row["id"], "question": row["question"]}
                    | {"answers": [{"text": row["answers"]["text"][0], "answer_start": 0}]}
                ],
            }
            for row in given
        ]
        file.write_text(json.dumps({"data": [{"title": "t", "paragraphs": paragraphs}]}))
        given = file
    elif form == "answers as a list":
        for row in given:
            row["answers"] = [
                {"text": text, "answer_start": start}
                for text, start in zip(*row["answers"].values(), strict=True)
            ]
    found = read_rows(given, "en")
    assert [row["answers"] for row in found.rows] == [row["answers"] for row in some]
    assert {row["language"] for row in found.rows} == {"en"}


def test_languages_come_from_rows_ids_or_the_call(some):
    rows = [
        some[0] | {"id": "telugu-123-0"},
        some[0] | {"language": "ru"},
        some[0] | {"id": "of-another-kind"},
    ]
    assert [row["language"] for row in read_rows(rows, "ka").rows] == ["te", "ru", "ka"]


def test_unanswerable_questions_are_skipped_and_counted(qa_folder, some):
    none = some[0] | {"answers": {"text": [], "answer_start": []}}
    empty = some[0] | {"answers": {"text": [""], "answer_start": [0]}}
    absent = some[0] | {"answers": {"text": ["nowhere to be found"], "answer_start": [0]}}
    done = attack(qa_folder, [none, empty, absent, *some], "typo", language="en", **QUICK)
    assert done.left_out == {"unanswerable": 2, "answer not in its passage": 1}
    assert len(done.results) == len(some)


@pytest.mark.parametrize("code", ["ka", "am", "he", "km", "zh-Hant", "pl"])
def test_any_language_that_cldr_knows(predictor, code):
    """Words in the language's own letters are found, edited in its letters, and shown."""
    from xltlib.languages import find_language, script_of

    letters = find_language(code).alphabet
    words = [letters[i : i + 4] for i in range(0, 12, 2)]
    context = f"{' '.join(words)} 1951 {' '.join(words)}"
    row = {"question": "1?", "context": context, "answers": {"text": ["1951"]}}

    def always_right(questions, contexts):
        return ["1951" for _ in contexts]

    done = attack(always_right, [row], "typo", language=code, progress=False, max_queries=60)
    assert done.results["outcome"].tolist() == ["failed"]

    def fragile(questions, contexts):
        return ["1951" if text == context else "x" for text in contexts]

    done = attack(fragile, [row], "typo", language=code, progress=False, max_queries=60)
    (edit,) = done.results["edits"].iloc[0]
    assert {script_of(char) for char in edit["new"]} == {find_language(code).script}
    assert f'lang="{code}"' in report.page(done.results, "t")


def deletion(goal, row, settings, resources):
    """A recipe of stock TextAttack's parts."""
    rules = [RepeatModification(), ContextOutsideAnswer(goal)]
    swap = WordSwapRandomCharacterDeletion()
    return Attack(goal, rules, swap, GreedyWordSwapWIR(wir_method="delete"))


def test_a_recipe_of_ones_own(qa_folder, some, tmp_path):
    options = {"language": "en", "progress": False, "max_queries": 200}
    done = attack(qa_folder, some, deletion, tmp_path / "out", **options)
    assert (done.results["n_edited_words"] > 0).any()
    assert (done.results["queries"] <= 200).all()
    again = attack(qa_folder, some, deletion, tmp_path / "out", **options)
    assert texts(again) == texts(done)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": 3}, "model: int cannot be used; give a folder, a hub name"),
        ({"model": lambda questions: []}, "has to take two arguments"),
        ({"model": lambda questions, contexts: "yes"}, "return a list of answers"),
        ({"model": lambda questions, contexts: []}, "returned 0 answers; return one per question"),
        ({"model": lambda questions, contexts: [3] * len(questions)}, "return a text"),
        ({"rows": 3}, "rows: int cannot be used"),
        ({"rows": [{"text": "a"}]}, "row 0: no question, context, answers; a row needs"),
        ({"rows": ["a"]}, "row 0: str is not a row"),
        ({"rows": []}, "nothing to attack"),
        (
            {"rows": {"question": ["Who?"], "context": ["Ann"], "answers": [{}]}},
            "rows: columns, as a slice of a data set is; give rows, e.g. data.select(range(10))",
        ),
        ({"language": None}, "row 0: no language; give language="),
        ({"language": "xx"}, "language 'xx': no such code"),
        ({"recipe": 3}, "recipe: int cannot be used; give a name (typo"),
        ({"recipe": "mlm"}, "recipe mlm: needs a masked language model; give its folder or hub"),
        ({"recipe": dict}, "recipe: type cannot be used; give a name (typo"),
        ({"recipe": max}, "recipe: max has to take four arguments"),
        ({"recipe": lambda goal: None}, "has to take four arguments"),
        ({"corpus": 5}, "corpus 5: no such corpus of questions; known: "),
        ({"corpus": "mqla"}, "corpus 'mqla': no such corpus of questions; known: "),
        ({"out": 5}, "out 5: give a folder, or None"),
        ({"encoder": 5}, "encoder 5: give me5-small, a hub repository or a folder"),
        ({"cache": None}, "cache None: give a folder"),
        ({"bitext": "x"}, "bitext: not pairs of sentences by language"),
        ({"bitext": [("a", "b")]}, "bitext: not pairs of sentences by language"),
        ({"bitext": {"sw": [("a", "b", "c")]}}, "bitext: not pairs of sentences by language"),
        ({"recipe": lambda a, b, c, d: None}, "has to return a textattack.Attack, not NoneType"),
        (
            {"recipe": "hotflip", "model": lambda q, c: ["x"] * len(q)},
            "gradients, which a function",
        ),
        ({"engine": EngineSettings(precision="bf16"), "model": lambda q, c: []}, "a function has"),
        (
            {"recipe": "distractor", "engine": EngineSettings(precision="bf16", guide_words=8)},
            "guide_words: recipe distractor edits beyond the words around the answer",
        ),
    ],
)
def test_wrong_input_is_explained(qa_folder, some, change, message):
    given = {"model": qa_folder, "rows": some, "recipe": "typo", "language": "en"} | change
    more = {} if given["recipe"] == "distractor" else {"max_queries": 12}
    with pytest.raises(InputError) as error:
        attack(**given, progress=False, **more)
    assert message in str(error.value)


def test_a_loaded_model_needs_its_tokenizer_and_its_head(qa_folder, some, tiny_encoder):
    model = AutoModelForQuestionAnswering.from_pretrained(qa_folder)
    with pytest.raises(InputError, match="came without its tokenizer"):
        attack(model, some, "typo", language="en")
    encoder, tokenizer = (k.from_pretrained(tiny_encoder) for k in (AutoModel, AutoTokenizer))
    with pytest.raises(InputError, match="does not answer as a span-QA model"):
        attack(encoder, some, "typo", language="en", tokenizer=tokenizer)
    splits = DatasetDict({"validation": Dataset.from_list(some)})
    with pytest.raises(InputError, match=r"validation.*choose one of its splits"):
        attack(qa_folder, splits, "typo", language="en")
    with pytest.raises(InputError, match="row 0: answers are not as SQuAD has them"):
        attack(qa_folder, [some[0] | {"answers": "1951"}], "typo", language="en")


def test_the_callers_random_numbers_are_kept(qa_folder, rows, tiny_encoder):
    def generators():
        return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()

    examples = [plain(row) for row in rows["en"][:3]]
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    before = generators()
    settings = QUICK | {"ranking": "gradient", "surrogate": str(qa_folder)}
    attack(qa_folder, examples, "typo", language="en", encoder=str(tiny_encoder), **settings)
    assert generators() == before


@pytest.mark.parametrize("parallelism", ["false", None])
def test_nothing_is_left_behind_in_the_process(parallelism):
    """Importing the attacks leaves no placeholder, no environment, no filters of warnings and no
    random numbers behind."""
    code = (
        "import importlib.util, os, random, sys, warnings, numpy, torch\n"
        "def generators():\n"
        "    numbers = numpy.random.get_state()[1].tolist()\n"
        "    return random.getstate(), numbers, torch.get_rng_state().tolist()\n"
        "before = dict(os.environ), list(warnings.filters), generators()\n"
        "import xltlib.attacks, textattack\n"
        "import textattack.constraints.grammaticality\n"
        "assert 'flair' not in sys.modules, 'flair'\n"
        "assert importlib.util.find_spec('flair') is None\n"
        "after = dict(os.environ)\n"
        "changed = {k for k in after | before[0] if after.get(k) != before[0].get(k)}\n"
        "assert not changed, changed\n"
        "new = [one for one in warnings.filters if one not in before[1]]\n"
        "assert not new, new\n"
        "assert generators() == before[2]\n"
    )
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("KMP_", "TOKENIZERS_", "HF_HOME", "XDG_", "WANDB_", "TA_"))
    }
    if parallelism is not None:
        environment["TOKENIZERS_PARALLELISM"] = parallelism
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_mlqas_rule_knows_the_articles_of_a_language():
    row = {"id": "1", "question": "Wer?", "context": "Dort schläft der Hund im Garten."}
    row |= {"answers": {"text": ["Hund"], "answer_start": [17]}}

    def answers(questions, contexts):
        return ["der Hund" for _ in questions]

    scores = {
        corpus: attack(answers, [row], "typo", language="de", corpus=corpus, **QUICK).results
        for corpus in ("mlqa", "squad", None)
    }
    assert [float(scores[name]["original_f1"].iloc[0]) for name in ("mlqa", "squad", None)] == [
        pytest.approx(1.0),
        pytest.approx(2 / 3),
        pytest.approx(2 / 3),
    ]


def test_a_file_may_hold_rows(tmp_path):
    file = tmp_path / "rows.jsonl"
    answers = {"text": ["Tbilisi"], "answer_start": [0]}
    row = {"id": "a", "question": "Where?", "context": "Tbilisi.", "answers": answers}
    file.write_text(
        "\n".join(json.dumps(one) for one in (row | {"language": "sw"}, row | {"id": "b"}))
    )
    found = read_rows(file, "ka", "mlqa").rows
    assert [(r["id"], r["language"], r["corpus"]) for r in found] == [
        ("a", "sw", "mlqa"),
        ("b", "ka", "mlqa"),
    ]


def test_auto_needs_nothing_that_a_function_lacks():
    row = {"id": "1", "question": "Who?", "context": "It was Ann Lee who came in."}
    row |= {"answers": {"text": ["Ann Lee"], "answer_start": [7]}}

    def answers(questions, contexts):
        return ["Ann Lee" for _ in questions]

    engine = EngineSettings(precision="auto", guide_words=4)
    done = attack(answers, [row], "typo", language="en", engine=engine, **QUICK)
    assert done.results["queries"].sum() == done.results["readings"].sum() > 0


ROW = {"id": "1", "question": "Who?", "context": "It was Ann Lee who came in."}
ROW |= {"answers": {"text": ["Ann Lee"], "answer_start": [7]}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"context": "It was \ud83d Ann Lee."}, r"row 0: lone surrogate '\\ud83d'"),
        ({"corpus": 5}, "row 0: corpus 5: no such corpus of questions; known: "),
        ({"corpus": "mqla"}, "row 0: corpus 'mqla': no such corpus of questions; known: "),
        ({"corpus": "xnli"}, "row 0: corpus 'xnli': no such corpus of questions; known: "),
        ({"language": 3}, "row 0: language is 3; it must be a code"),
        ({"is_impossible": "False"}, "row 0: is_impossible is 'False'; it must be true or false"),
        ({"question": "Who \udc00?"}, "row 0: lone surrogate"),
        ({"id": "\ud83d"}, "row 0: lone surrogate"),
        ({"answers": {"text": ["\ud83d"], "answer_start": [0]}}, "row 0: lone surrogate"),
        ({"answers": {"text": ["Ann"], "answer_start": [float("inf")]}}, "cannot convert .* infin"),
        ({"answers": {"text": ["Ann"], "answer_start": [float("nan")]}}, "cannot convert .* NaN"),
        ({"answers": {"text": ["Ann"], "answer_start": [7.5]}}, "offset 7.5 is not a whole number"),
    ],
)
def test_rows_that_no_model_could_read_are_named(changes, message):
    with pytest.raises(InputError, match=message):
        read_rows([ROW | changes], "en")


def test_what_a_frame_lacks_in_some_rows_is_not_stated_there():
    nothing = {"id": float("nan"), "language": float("nan"), "corpus": float("nan")}
    frame = pd.DataFrame([ROW | {"language": "sw", "corpus": "mlqa"}, ROW | nothing])
    found = read_rows(frame, "en").rows
    assert [(row["id"], row["language"], row.get("corpus")) for row in found] == [
        ("1", "sw", "mlqa"),
        ("1", "en", None),
    ]
    found = read_rows([ROW | {"id": None}, ROW | {"id": None}], "en").rows
    assert [row["id"] for row in found] == ["0", "1"]


def test_rows_with_one_id_are_refused_unless_they_are_translations():
    with pytest.raises(InputError, match=r"rows .en.: 1 id is shared by several rows: '1'"):
        read_rows([ROW, ROW | {"question": "Who came?"}], "en")
    assert len(read_rows([ROW, ROW | {"language": "de"}], "en").rows) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": 0}, "limit 0: nothing would be attacked"),
        ({"limit": -1}, "limit -1: nothing would be attacked"),
        ({"shard": (2, 2)}, "shard 2/2: empty, since only 1 question can be attacked"),
        ({"shard": (0, 0)}, "shard 0/0: there is no such part"),
    ],
)
def test_a_choice_of_rows_that_holds_none_is_explained(options, message):
    with pytest.raises(InputError, match=message):
        attack(lambda q, c: ["Ann Lee"] * len(q), [ROW], "typo", language="en", **QUICK | options)


@pytest.mark.parametrize("sure", [float("nan"), float("inf"), -0.5, 7.3])
def test_a_probability_that_is_none_is_refused(sure):
    with pytest.raises(InputError, match=r"returned the probability .*return one from 0 to 1"):
        attack(lambda q, c: [("Ann", sure)] * len(q), [ROW], "typo", language="en", **QUICK)


def test_an_answer_that_is_not_in_the_passage_scores_and_does_nothing_else():
    context = "The treaty was signed by the US in the winter of 1951, long before the town grew."
    golds = {"text": ["United States", "US"], "answer_start": [-1, context.index("US")]}
    given = ROW | {"question": "Who signed?", "context": context, "answers": golds}
    (read,) = read_rows([given], "en").rows
    assert read["answers"] == {"text": ["US", "United States"], "answer_start": [29, -1]}
    asked = []

    class Alias:
        def score(self, questions, contexts, spans):
            asked.extend(text[a:b] for text, of in zip(contexts, spans, strict=True) for a, b in of)
            found = [Prediction("United States", 29, 31, 0.6)] * len(contexts)
            return found, np.full(len(contexts), 0.6)

    settings = {"language": "en", "progress": False, "max_queries": 40}
    for more in ({"ranking_share": 0.1}, {"window_words": 3}):
        done = attack(Alias(), [given], "typo", **settings, **more).results.iloc[0]
        assert (done["outcome"], done["original_f1"]) == ("failed", 1)
        changed = {edit["start"] for edit in done["edits"]}
        assert "window_words" not in more or all(9 < start < 50 for start in changed)
    assert set(asked) == {"US"}


def test_a_question_without_an_answer_is_one_in_every_form(tmp_path):
    impossible = ROW | {"is_impossible": True}
    file = tmp_path / "rows.json"
    file.write_text(json.dumps([impossible]))
    frame = pd.DataFrame([impossible, ROW | {"id": "2"}])
    for source in (file, [impossible], frame):
        found = read_rows(source, "en")
        assert [row["id"] for row in found.rows] == (["2"] if source is frame else [])
        assert found.left_out == {"unanswerable": 1}


@pytest.mark.parametrize(
    ("identity", "language"),
    [("english-1", "de"), ("arabic", "de"), ("arabic-12-3", "ar"), ("arabic--12-3", "ar")],
)
def test_only_an_id_of_tydi_qas_form_states_a_language(identity, language):
    assert read_rows([ROW | {"id": identity}], "de").rows[0]["language"] == language


def test_every_question_of_a_real_file_has_the_language_of_its_id(shared_data):
    file = shared_data / "tydiqa-goldp/tydiqa-goldp-v1.1-dev/tydiqa-goldp-dev-bengali.json"
    found = read_rows(file, "en").rows
    assert len(found) == 113
    assert {row["language"] for row in found} == {"bn"}


def test_ids_that_a_frame_turned_into_numbers_with_a_point_are_whole():
    rows = [ROW | {"id": 7}, ROW | {"id": None}]
    assert [row["id"] for row in read_rows(pd.DataFrame(rows), "en").rows] == ["7", "1"]


def test_a_loaded_model_gets_windows_that_it_can_read(qa_folder, some):
    config = AutoConfig.from_pretrained(qa_folder)
    config.max_position_embeddings = 130
    model = AutoModelForQuestionAnswering.from_config(config).train()
    model.qa_outputs.eval()
    tokenizer = AutoTokenizer.from_pretrained(qa_folder)
    long = some[0] | {"context": f"{some[0]['context']} {'The river froze again. ' * 20}"}
    done = attack((model, tokenizer), [long], "typo", language="en", **QUICK)
    assert done.results["error"].tolist() == [None]
    # It stays in the mode in which it came, part by part.
    assert model.training
    assert not model.qa_outputs.training


def test_rows_without_a_corpus_stay_beside_those_with_one(tmp_path):
    rows = [ROW | {"corpus": "mlqa"}, ROW | {"id": "2"}, ROW | {"id": "3"}]

    def broken(questions, contexts):
        return ["Ann Lee" if text == ROW["context"] else "x" for text in contexts]

    class Right:
        def predict(self, questions, contexts):
            return [Prediction("Ann Lee", 7, 14, 0.9)] * len(questions)

    one, other = (
        attack(broken, rows, kind, language="en", **QUICK) for kind in ("typo", "homoglyph")
    )
    assert one.summary["n"].tolist() == [2, 1, 3]
    worst = worst_of({"typo": one, "homoglyph": other})
    assert worst.results["id"].tolist() == ["1", "2", "3"]
    assert sorted(worst.summary["n"]) == [1, 2, 3]
    annotation.write_sheet(tmp_path / "sheet.csv", one.results)
    static_set.transfer_matrix({"one": one.results}, [("other", Right())], TypoSettings())
    # Results read from elsewhere may lack a value instead.
    gaps = one.results.replace({"corpus": {"": None}})
    assert sorted(report.summary(gaps)["n"]) == [1, 2, 3]


def test_a_folder_has_the_results_of_one_attack_whatever_its_parts(tmp_path):
    asked = []

    def model(questions, contexts):
        asked.extend(questions)
        return ["Ann Lee"] * len(questions)

    rows = [ROW | {"id": str(number)} for number in range(3)]
    given = {"out": tmp_path, "identity": "ann", "language": "en"} | QUICK

    def saved():
        assert (
            len(pd.read_parquet(tmp_path / "attacks.parquet"))
            == (pd.read_csv(tmp_path / "summary.csv")["n"].tolist()[-1])
        )
        lines = (tmp_path / "attacks.jsonl").read_text().splitlines()
        return [json.loads(line)["id"] for line in lines]

    assert attack(model, rows, "typo", shard=(2, 2), **given).results["id"].tolist() == ["1"]
    assert saved() == ["1"]
    assert attack(model, rows, "typo", shard=(1, 2), **given).results["id"].tolist() == ["0", "2"]
    assert saved() == ["0", "1", "2"]
    asked.clear()
    assert attack(model, rows, "typo", **given).results["id"].tolist() == ["0", "1", "2"]
    assert attack(model, rows, "typo", limit=1, **given).results["id"].tolist() == ["0"]
    assert saved() == ["0", "1", "2"]
    for recipe, more in (("homoglyph", {}), ("typo", {"identity": "bo"}), ("typo", {"seed": 1})):
        with pytest.raises(
            InputError, match=r"results of another attack \(recipe typo.*Give another"
        ):
            attack(model, rows, recipe, **given | more)
    assert asked == []
    (tmp_path / "log" / "attack.json").unlink()
    with pytest.raises(InputError, match="an unknown recipe"):
        attack(model, rows, "typo", **given)
    assert saved() == ["0", "1", "2"]


@pytest.mark.parametrize(
    "answer", [None, 7, ("Ann Lee", None), ("Ann Lee", float("nan")), "Ann \ud83d"]
)
def test_a_bad_answer_of_a_function_ends_its_own_example_only(answer, tmp_path):
    rows = [ROW | {"id": str(n), "question": f"Who came in, {n}?"} for n in range(4)]

    def function(questions, contexts):
        return [answer if "2" in question else "Ann Lee" for question in questions]

    options = QUICK | {"language": "en", "identity": "f", "out": tmp_path}
    for _ in range(2):
        with pytest.warns(UserWarning, match="the model.s (function returned|answer: lone surr)"):
            found = attack(function, rows, "typo", **options).results
        assert (found["outcome"] == "error").tolist() == [False, False, True, False]


@pytest.mark.parametrize(
    "search", [ParticleSwarmOptimization, ImprovedGeneticAlgorithm, AlzantotGeneticAlgorithm]
)
def test_textattacks_own_searches_can_cross_texts(search, some):
    def recipe(goal, row, settings, resources):
        rules = [RepeatModification(), ContextOutsideAnswer(goal), WordForWord()]
        return Attack(goal, rules, WordSwapRandomCharacterDeletion(), search(4, 3))

    done = attack(stubborn(some), some, recipe, language="en", progress=False, max_queries=60)
    assert done.results["outcome"].tolist() == ["failed"] * len(some)


def stubborn(some):
    """A model that answers right, and is a little less sure of longer texts."""
    golds = {row["question"]: row["answers"]["text"][0] for row in some}

    def answers(questions, contexts):
        return [
            (golds[question], 1 / (1 + len(context) / 1000))
            for question, context in zip(questions, contexts, strict=True)
        ]

    return answers


def test_a_search_that_several_examples_share_is_refused(some):
    search = ParticleSwarmOptimization(4, 3)

    def recipe(goal, row, settings, resources):
        rules = [RepeatModification(), ContextOutsideAnswer(goal)]
        return Attack(goal, rules, WordSwapRandomCharacterDeletion(), search)

    options = {"language": "en", "progress": False, "max_queries": 60}
    with pytest.raises(InputError, match="its ParticleSwarmOptimization is shared by several"):
        attack(stubborn(some), some, recipe, **options)
    one_at_a_time = EngineSettings(at_once=1)
    done = attack(stubborn(some), some, recipe, engine=one_at_a_time, **options)
    assert done.results["outcome"].tolist() == ["failed"] * len(some)


def test_a_recipe_without_a_constraint_on_the_question_is_told_which(qa_folder, some):
    def recipe(goal, row, settings, resources):
        swap = WordSwapRandomCharacterDeletion()
        return Attack(goal, [RepeatModification()], swap, GreedyWordSwapWIR("random"))

    done = attack(qa_folder, some, recipe, language="en", progress=False, max_queries=60)
    errors = done.results[done.results["outcome"] == "error"]
    assert len(errors)
    assert errors["error"].str.contains(r"ContextOutsideAnswer\(goal\)").all()


def test_stop_words_that_are_installed_are_found_after_the_import(tmp_path):
    corpus = tmp_path / "corpora" / "stopwords"
    corpus.mkdir(parents=True)
    (corpus / "english").write_text("of\nand\n")
    code = (
        "import xltlib.attacks\n"
        "from nltk.corpus import stopwords\n"
        "print(stopwords.words('english'))\n"
    )
    environment = os.environ | {"NLTK_DATA": str(tmp_path)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout == "['of', 'and']\n", done.stderr[-2000:]


@pytest.mark.parametrize("name", folder.RESULTS)
def test_a_users_own_file_is_not_replaced_by_results(qa_folder, some, tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match=f"{name}: no attack wrote this file"):
        attack(qa_folder, some, "typo", tmp_path, language="en", **QUICK)
    assert (tmp_path / name).read_text() == "mine"


def test_a_row_without_answers_may_be_unanswerable(some):
    rows = [*some, {"question": "Who?", "context": "Ada.", "answers": None, "is_impossible": True}]
    assert dict(read_rows(rows, "en").left_out) == {"unanswerable": 1}


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"language": "klingon"}, r"q\.json: question 'q': language 'klingon': no such code"),
        ({"corpus": "foo"}, r"q\.json: question 'q': corpus 'foo': no such corpus"),
    ],
)
def test_a_problem_in_a_file_names_file_and_question(tmp_path, about, message):
    qa = {"id": "q", "question": "Who?", "answers": [{"text": "Ada", "answer_start": 0}]}
    value = {"data": [{"title": "t", "paragraphs": [{"context": "Ada.", "qas": [qa]} | about]}]}
    (tmp_path / "q.json").write_text(json.dumps(value))
    with pytest.raises(InputError, match=message):
        read_rows(tmp_path / "q.json", "en")


def test_validity_names_a_language_without_known_words(qa_folder, some):
    results = attack(qa_folder, some, "typo", language="en", **QUICK).results
    with pytest.raises(InputError, match="known: no words in en"):
        validity.kept(results, {})
