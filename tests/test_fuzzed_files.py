"""Every reader of files, given damaged ones: it reads them or says what is wrong, and quickly."""

import json
import random
import time
from pathlib import Path

import pytest

from xltlib import corpora
from xltlib import params as schema
from xltlib.attacks.lexicon import read_lexicon
from xltlib.corpora.squad_files import read_squad
from xltlib.params import CorpusSource
from xltlib.params.loading import load_claims
from xltlib.text_files import InputError, read_json, recovered_json_lines
from xltlib.training.robust.neighbours import read_neighbours

QUESTION = {
    "id": "english-1",
    "question": "Which?",
    "answers": [{"text": "red", "answer_start": 11}],
}
PASSAGE = {"context": "The sky is red tonight.", "qas": [QUESTION, QUESTION | {"id": "english-2"}]}
SQUAD = {"version": "1.1", "data": [{"title": "Sky", "paragraphs": [PASSAGE]}]}
ROW = {"id": "1", "context": "It is red.", "question": "Which?"}
ROW |= {"answers": {"text": ["red"], "answer_start": [6]}}
SENTENCES = PASSAGE | {"sentence_breaks": [[0, 23]]}
CHOICE = {"premise": "P", "choice1": "A", "choice2": "B", "question": "cause", "label": 1, "idx": 4}
SITUATION = {"context": "C", "question": "Q", "answerA": "a", "answerB": "b", "answerC": "c"}
CONLLU = (
    "# sent_id = a\n1-2\tdel"
    + "\t_" * 8
    + "\n"
    + "".join(
        f"{i}\t{word}\t_\t{tag}" + "\t_" * 6 + "\n"
        for i, word, tag in ((1, "de", "ADP"), (2, "él", "DET"))
    )
)
XNLI = "language\tgold_label\tsentence1\tsentence2\tpromptID\tpairID\n" + "".join(
    f"{code}\tneutral\tone\ttwo {i}\t1\t{i}\n" for code in ("de", "en") for i in range(3)
)
PARAMS = Path(__file__).parent.parent / "params"
PROFILE = (PARAMS / "quick.yaml").read_text(encoding="utf-8")
CLAIMS = (PARAMS / "claims.yaml").read_text(encoding="utf-8")


def of_corpus(name, language, split):
    """A reader of a corpus in the folder above a file."""

    def read(path):
        folder = path.parent if name != "wikiann" else path.parent.parent
        corpora.load(name, CorpusSource(source="local", folder=folder), language, split)

    return read


# Reader: (name of the file, what is in it, function that reads it).
READERS = {
    "squad": ("q.json", json.dumps(SQUAD), lambda path: read_squad(path, "en")),
    "tydiqa": (
        "tydiqa-goldp-dev-english.json",
        json.dumps(SQUAD),
        of_corpus("tydiqa", "en", "dev"),
    ),
    "rows": ("q.jsonl", (json.dumps(ROW) + "\n") * 1, lambda path: read_squad(path, "en")),
    "lareqa": (
        "en.json",
        json.dumps({"data": [{"title": "Sky", "paragraphs": [SENTENCES]}]}),
        of_corpus("lareqa", "en", "test"),
    ),
    "xcopa": ("val.et.jsonl", json.dumps(CHOICE) + "\n", of_corpus("xcopa", "et", "dev")),
    "copa": ("train-en.jsonl", json.dumps(CHOICE) + "\n", of_corpus("copa", "en", "train")),
    "siqa": (
        "socialIQa_v1.4_dev.jsonl",
        json.dumps(SITUATION | {"correct": "C"}) + "\n",
        of_corpus("siqa", "en", "dev"),
    ),
    "udpos": ("es_x-ud-test.conllu", CONLLU, of_corpus("udpos", "es", "test")),
    "wikiann": ("sw/dev", "sw:Dar\tB-LOC\nes\tI-LOC\n\nna\tO\n", of_corpus("wikiann", "sw", "dev")),
    "xnli": (
        "xnli.dev.de.tsv",
        "genre\tlabel\tsentence1_de\tsentence2_de\ng\tneutral\tp\th\n",
        of_corpus("xnli", "de", "dev"),
    ),
    "xnli 1.0": ("xnli.dev.tsv", XNLI, of_corpus("xnli", "en", "dev")),
    "pawsx": ("de/dev_2k.tsv", "id\tsentence1\tsentence2\tlabel\n1\ta\tb\t0\n2\tc\td\t1\n", None),
    "tatoeba": ("tatoeba.swh-eng.swh", "Habari\nNdiyo\n", of_corpus("tatoeba", "sw", "test")),
    "bmlama": (
        "en.tsv",
        "Prompt\tAns\tCandidate Ans\tSubject\nX is in <mask>.\tRome\tVenice, Rome\tX\n",
        of_corpus("bmlama53", "en", "test"),
    ),
    "lexicon": ("en-de.txt", "house Haus\nto go\tgehen\n", read_lexicon),
    "neighbours": ("en.json", json.dumps({"big": ["large", "huge"], "a": []}), read_neighbours),
    "manifest": ("manifest.json", json.dumps({"fingerprint": "a", "n": [1, 2.5]}), read_json),
    "log": ("log.jsonl", '\n{"id": "é", "f1": 0.5}\n{"id": "b"}', recovered_json_lines),
    "params": ("mine.yaml", PROFILE, schema.load),
    "claims": ("claims.yaml", CLAIMS, load_claims),
}
READERS["pawsx"] = (
    *READERS["pawsx"][:2],
    lambda path: corpora.load(
        "pawsx", CorpusSource(source="local", folder=path.parent.parent), "de", "dev"
    ),
)

PIECES = [
    *(b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\r", b"\n", b"\t", b"\x0c", b'"', b"{", b"]"),
    *("\u2028".encode(), "\x85".encode(), "é".encode()[:1], b"\\ud83d", b"\xed\xa0\xbd"),
    *(b"Infinity", b"NaN", b"-1", b"1e999", b"9" * 5000, b"true", b"null", b"_", b"x" * 3000),
    *(b"[" * 400, b'{"a":' * 200, b"<<: *mini", b"*target", b"&mini", b"!!python/name:os.system"),
    *(b"\xf0\x9f\x98", "́".encode(), b"<SPLIT>", b"- ", b": ", b"# ", b"%", b"'", b"2001-01-01"),
]
VALUES = [
    None,
    True,
    -1,
    10**30,
    1.5,
    float("inf"),
    "17",
    "\ud83d",
    "",
    [],
    {},
    [[[]]],
    ["a"],
    {"a": 1},
]


def damaged(data: bytes, chance: random.Random) -> bytes:
    """A file with one to three things wrong."""
    if chance.random() < 0.5:
        changed = _with_another_value(data, chance)
        if changed is not None:
            return changed
    for _ in range(chance.randint(1, 3)):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.choice([0, 0, 1, 5, 40]))
        piece = chance.choice([b"", data[start:end] * 2, bytes([chance.randrange(256)])])
        piece = chance.choice([piece, chance.choice(PIECES)])
        data = data[:start] + piece + data[end:]
        if chance.random() < 0.1:
            data = data[: chance.randrange(len(data) + 1)]
    return data


def _with_another_value(data: bytes, chance: random.Random) -> bytes | None:
    """JSON with one value taken out or replaced by one of another type."""
    try:
        value = json.loads(data)
    except ValueError:
        return None
    places, left = [], [value]
    while left:
        item = left.pop()
        keys = list(item) if isinstance(item, dict) else range(len(item))
        places += [(item, key) for key in keys]
        left += [item[key] for key in keys if isinstance(item[key], dict | list)]
    if not places:
        return None
    parent, key = chance.choice(places)
    if isinstance(parent, dict) and chance.random() < 0.2:
        del parent[key]
    else:
        parent[key] = chance.choice(VALUES)
    return json.dumps(value).encode()


@pytest.mark.parametrize("count", [200, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("reader", READERS)
def test_a_damaged_file_is_read_or_refused_in_a_few_words(tmp_path, reader, count):
    name, content, read = READERS[reader]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    (tmp_path / "tatoeba.swh-eng.eng").write_text("Hello\nYes\n")
    (tmp_path / "claims.yaml").write_text(CLAIMS, encoding="utf-8")
    path.write_text(content, encoding="utf-8")
    read(path)
    refused = 0
    for seed in range(count):
        path.write_bytes(damaged(content.encode(), random.Random(f"{reader} {seed}")))
        started = time.process_time()
        try:
            read(path)
        except InputError as error:
            refused += 1
            message = str(error)
            assert len(message.replace(str(tmp_path), "")) < 1000, message
            message.encode("utf-8")
        assert time.process_time() - started < 2
    assert reader == "log" or refused > count / 10
    path.unlink()
    path.mkdir()
    if reader != "log":
        with pytest.raises(InputError, match=r"is a folder|no file here matches"):
            read(path)
