"""Files of several versions in one folder."""

import json

from xltlib.corpora import tydiqa
from xltlib.params import CorpusSource


def test_of_two_versions_of_tydi_qa_the_newer_is_read(tmp_path):
    for version in ("1.0", "1.1"):
        answer = {"text": f"v{version}", "answer_start": 0}
        qa = {"id": "swahili-1", "question": "Which?", "answers": [answer]}
        paragraph = {"context": f"v{version} it is.", "qas": [qa]}
        file = tmp_path / f"tydiqa-goldp-v{version}-dev.json"
        file.write_text(json.dumps({"data": [{"title": "t", "paragraphs": [paragraph]}]}))
    (row,) = tydiqa.load(CorpusSource(source="local", folder=tmp_path), "sw", "dev")
    assert row["context"] == "v1.1 it is."
