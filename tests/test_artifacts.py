"""Atomic writes: the old file or the new one, never half of one."""

import json
import os
import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from xltlib.artifacts import (
    InputError,
    fingerprint,
    read_json,
    replacing_folder,
    require_writable,
    write_atomic,
    write_json,
    write_with,
)
from xltlib.encoders.cache import made_once

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(value=JSON)
def test_json_comes_back_as_it_was(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("json") / "value.json"
    try:
        text = json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:  # a lone surrogate is no text
        return
    write_json(path, value)
    assert read_json(path) == json.loads(text)


def test_a_failing_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "table.csv"
    write_atomic(path, "old")

    def half(target):
        target.write_text("ne")
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        write_with(path, half)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o002])
def test_what_is_written_follows_the_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        write_atomic(tmp_path / "a", "x")
        with replacing_folder(tmp_path / "paper") as folder:
            write_atomic(folder / "a", "x")
        made_once(tmp_path / "model", lambda path: save_file({}, path / "model.safetensors"))
    finally:
        os.umask(before)
    own = [path for path in tmp_path.rglob("*") if path.suffix != ".lock"]
    assert len(own) == 6
    for path in own:
        usual = 0o777 if path.is_dir() else 0o666
        assert stat.S_IMODE(path.stat().st_mode) == usual & ~umask, path


def test_a_folder_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "outputs").write_text("a file, not a folder")
    target, says = tmp_path / "outputs" / "quick", f"{tmp_path / 'outputs'} is not a folder. Move"
    with pytest.raises(InputError, match=re.escape(says)) as error:
        write_atomic(target / "metrics.json", "{}")
    assert str(target / "metrics.json") in str(error.value)
    with pytest.raises(InputError, match=re.escape(says)):
        require_writable(target, "`outputs`")
    with pytest.raises(InputError, match=re.escape(says)), replacing_folder(tmp_path / "outputs"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["outputs"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs Linux's /dev/full")
def test_a_full_disk_loses_nothing(tmp_path):
    path = tmp_path / "metrics.json"
    write_json(path, {"f1": 1})

    def to_full_disk(target):
        with open("/dev/full", "wb", buffering=0) as full:
            full.write(b"x")

    with pytest.raises(InputError, match="No space left"):
        write_with(path, to_full_disk)
    assert read_json(path) == {"f1": 1}


@pytest.mark.parametrize("content", ['{"a": ', "", "\xff"])
def test_a_truncated_json_names_the_file(tmp_path, content):
    path = tmp_path / "cut.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match=r"cut\.json: not (complete JSON|UTF-8)"):
        read_json(path)


def test_fingerprints_depend_on_content_not_on_order():
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})


def test_an_interrupt_while_folders_change_places_loses_neither(tmp_path, monkeypatch):
    with replacing_folder(tmp_path / "paper") as folder:
        (folder / "a").write_text("old")
    rename = Path.rename

    def interrupted(self, target):
        if self.name == ".paper.new":
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt), replacing_folder(tmp_path / "paper") as folder:
        (folder / "a").write_text("new")
    assert (tmp_path / "paper" / "a").read_text() == "old"
