"""`xlt attack` and what it leaves: files to read, a static set that others can be tested on."""

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from xltlib.artifacts import InputError
from xltlib.attacks import Resources, attack_examples, report, static_set
from xltlib.cli import app
from xltlib.params import DistractorSettings, TypoSettings

TYPO = TypoSettings(max_queries=20, ranking="random")
SENTENCES = DistractorSettings(answers=2)


@pytest.fixture(scope="module")
def squad_file(tmp_path_factory, rows):
    """Russian questions that the tiny model answers right, as SQuAD 1.1."""
    file = tmp_path_factory.mktemp("squad") / "ru.json"
    paragraphs = []
    for row in rows["ru"][:4]:
        pairs = zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True)
        answers = [{"text": text, "answer_start": start} for text, start in pairs]
        qa = {"id": row["id"], "question": row["question"], "answers": answers}
        paragraphs.append({"context": row["context"], "qas": [qa]})
    file.write_text(json.dumps({"data": [{"title": "ru", "paragraphs": paragraphs}]}))
    return file


@pytest.fixture
def command(qa_folder, squad_file, tmp_path):
    def run(*more, recipe="typo"):
        given = ["--model", str(qa_folder), "--data", str(squad_file), "--lang", "ru"]
        given += ["--recipe", recipe, "--out", str(tmp_path / "out"), *more]
        return CliRunner().invoke(app, ["attack", *given])

    return run


def test_the_command_attacks_and_prints_a_summary(command, tmp_path):
    done = command("--limit", "3", "--budget", "20", "--set", "ranking=random")
    assert done.exit_code == 0, done.output
    assert "typo against" in done.output
    summary = pd.read_csv(tmp_path / "out" / "summary.csv")
    assert summary["n"].tolist() == [3]
    results = pd.read_parquet(tmp_path / "out" / "attacks.parquet")
    assert (results["queries"] <= 20).all()
    lines = (tmp_path / "out" / "attacks.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == results["id"].tolist()


@pytest.mark.parametrize(
    ("more", "recipe", "message"),
    [
        ([], "typpo", "no such recipe"),
        (["--set", "max_edited_words"], "typo", "give key=value"),
        (["--set", "max_edited_words=none"], "typo", "max_edited_words: Input should be a valid"),
        (["--set", "=3"], "typo", "--set '=3': give key=value"),
        (["--set", "lexicons..ru=3"], "codemix", "give key=value"),
        (["--set", "limit=3"], "typo", "limit: unknown key. Allowed here: kind"),
        (["--set", "max_queries=5", "--set", "max_queries=6"], "typo", "is set twice"),
        (["--set", "max_queries=2001-99-99"], "typo", "not valid YAML"),
        (["--set", "max_queries=" + "[" * 3000], "typo", "levels deep"),
        (["--shard", "half"], "typo", "give k/n"),
        (["--shard", "0/0"], "typo", "give k/n, the k-th of n parts, e.g. 1/2"),
        (["--shard", "9/8"], "typo", "there is no such part; give 1/8 to 8/8"),
        (["--shard", "7/8"], "typo", "shard 7/8: empty, since only 4 questions"),
        (["--shard", "2/8", "--limit", "1"], "typo", "only 1 question can be attacked"),
        (["--lang", "xx"], "typo", "no such code"),
        (
            ["--for-annotators", "sheet.xlsx"],
            "typo",
            "sheet.xlsx: not a sheet. Give a name that ends in .csv",
        ),
        (["--for-annotators", "sheet.csv"], "embedding", "embedding changes no text"),
        (["--precision", "int3"], "typo", "is not one of"),
        (["--metric", "rouge"], "typo", "is not one of"),
        (["--guide-words", "8"], "typo", "give --precision bf16 or auto too"),
        (["--set", "lexicons.ru=[absent.txt]"], "codemix", "absent.txt: no such file"),
    ],
)
def test_the_command_explains_what_is_wrong(command, more, recipe, message):
    done = command(*more, recipe=recipe)
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())


def test_a_place_that_cannot_be_written_is_refused_before_the_attack(command, squad_file):
    done = command("--out", str(squad_file / "out"))
    assert done.exit_code == 2
    said = " ".join(done.output.split())
    assert f"{squad_file}/out: cannot be written" in said
    assert "is not a folder. Move or remove it, or choose another place" in said


def test_a_file_with_an_id_twice_is_refused(command, squad_file, tmp_path):
    raw = json.loads(squad_file.read_text())
    raw["data"] *= 2
    double = tmp_path / "double.json"
    double.write_text(json.dumps(raw))
    done = command("--data", str(double))
    assert done.exit_code == 2
    assert f"{double} (ru): 4 ids are shared by several rows" in " ".join(done.output.split())


@pytest.fixture(scope="module")
def attacked(rows, predictor, tmp_path_factory):
    log = tmp_path_factory.mktemp("attacked") / "log"
    examples = [row for part in rows.values() for row in part[:4]]
    return attack_examples(examples, Resources(predictor, rows), SENTENCES, log, progress=False)


def test_a_static_set_can_be_read_and_gives_the_same_answers(attacked, predictor, tmp_path):
    file = tmp_path / "static.json"
    static_set.save(file, attacked, recipe="distractor")
    again = [row for code in sorted({*attacked["language"]}) for row in static_set.read(file, code)]
    results = attacked[attacked["outcome"] != "skipped"].set_index("attacked_context")
    assert len(again) == len(results)
    assert json.loads(file.read_text(encoding="utf-8"))["about"] == {"recipe": "distractor"}
    for row in again:
        found = predictor.predict([row["question"]], [row["context"]])[0].text
        assert found == results.loc[row["context"], "attacked_prediction"]


def test_the_transfer_matrix_counts_what_breaks(attacked, predictor):
    class Right:
        """Answers with the gold answer whatever the passage."""

        def __init__(self):
            answers = zip(attacked["question"], attacked["answers"], strict=True)
            self.known = {question: golds["text"][0] for question, golds in answers}

        def predict(self, questions, contexts):
            return [type("P", (), {"text": self.known[question]}) for question in questions]

    models = [("own", predictor), ("other", Right())]
    table = static_set.transfer_matrix({"own": attacked}, models, SENTENCES)
    table = table.set_index("tested on")
    won = int((attacked["outcome"] == "succeeded").sum())
    assert won > 0
    # Against the model they were made for, all of them break it; against one that is never wrong,
    # none does.
    assert table.loc["own", ["broken", "n"]].tolist() == [won, won]
    assert table.loc["other", ["broken", "n"]].tolist() == [0, won]


def test_the_transfer_matrix_reads_no_clean_passage_whose_answer_is_known(attacked, predictor):
    class Listening:
        def __init__(self):
            self.read = []

        def predict(self, questions, contexts):
            self.read += contexts
            return predictor.predict(questions, contexts)

    clean = set(attacked["context"])
    # As if attacks on another model had failed, and one had ended in an error.
    missing = attacked.index == attacked.index[attacked["outcome"] == "succeeded"][0]
    f1 = attacked["original_success_f1"].where(~missing)
    other = attacked.assign(outcome="failed", original_success_f1=f1)
    tables = []
    for made, unknown in (
        ({"own": attacked, "other": other}, {*attacked["context"][missing]}),
        ({"own": attacked}, {*attacked["context"][attacked["outcome"] == "succeeded"]}),
    ):
        model = Listening()
        table = static_set.transfer_matrix(made, [("other", model)], SENTENCES)
        assert {*model.read} & clean == unknown
        tables.append(table.iloc[0].to_dict())
    assert tables[0] == tables[1]


def test_the_page_shows_edits_answers_and_right_to_left_text(rows, predictor, tmp_path):
    row = rows["en"][0]
    arabic = row | {
        "language": "ar",
        "question": "أين <هو>؟",
        "context": "هو في البيت الكبير",
        "answers": {"text": ["البيت"], "answer_start": [6]},
    }
    record = attack_examples(
        [row], Resources(predictor, rows), TYPO, tmp_path / "log", progress=False
    )
    changed = record.iloc[0].to_dict() | {
        **{name: arabic[name] for name in ("language", "question", "context", "answers")},
        "attacked_context": "هو ف البيت الكبير",
        "edits": [{"old": "في", "new": "ف", "start": 3}],
        "outcome": "succeeded",
    }
    page = report.page(pd.DataFrame([record.iloc[0].to_dict(), changed]), "A <title>")
    assert 'lang="ar" dir="rtl"' in page
    assert "<del>في</del><ins>ف</ins> <mark>البيت</mark>" in page
    assert "أين &lt;هو&gt;؟" in page
    assert "A &lt;title&gt;" in page
    assert page.index('lang="ar"') < page.index('lang="en" dir="ltr"')


def test_validity_finds_a_lost_answer_and_a_split_grapheme(attacked, tiny_tokenizer):
    good = report.validity(attacked, tiny_tokenizer)
    assert (good["answer intact"] == 100).all()
    assert (good["split graphemes"] == 0).all()
    bad = attacked.iloc[[0]].copy()
    bad["attacked_context"] = "nothing of it"
    bad["context"] = "కో" + bad["context"]
    bad["edits"] = [[{"old": "", "new": "x", "start": 1}]]
    bad["outcome"] = "failed"
    found = report.validity(bad, tiny_tokenizer).iloc[0]
    assert found["answer intact"] == 0
    assert found["split graphemes"] == 100
    bad["answers"] = [{"text": ["of"], "answer_start": [-1]}]  # the name of a pair's class
    bad["context"] = "one of three"
    bad["attacked_context"] = "one or three"
    bad["edits"] = [[{"old": "of", "new": "or", "start": 4}]]
    assert report.validity(bad, tiny_tokenizer).iloc[0]["answer intact"] == 100


def test_the_metric_is_the_corpus_whose_rule_scores(command, monkeypatch):
    given = {}

    def note(*args, **options):
        given.update(options)
        raise InputError("noted")

    monkeypatch.setattr("xltlib.attacks.attack", note)
    command("--metric", "mlqa", "--lang", "ka", "--precision", "auto")
    assert (given["corpus"], given["language"]) == ("mlqa", "ka")
    assert given["engine"].precision == "auto"
    command("--metric", "squad")
    assert given["corpus"] is None
