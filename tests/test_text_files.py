"""Bytes, lines, JSON and YAML: what is read, what is refused, and in what words."""

import time

import pytest

from xltlib.text_files import (
    InputError,
    lines,
    read_json,
    read_json_lines,
    read_text,
    recovered_json_lines,
    shown,
)
from xltlib.yaml_files import read_yaml


@pytest.fixture
def file(tmp_path):
    """A function that writes bytes or text to a file."""

    def write(content):
        path = tmp_path / "f.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    return write


def test_a_byte_order_mark_is_no_part_of_the_text(file):
    assert read_text(file(b"\xef\xbb\xbfabc")) == "abc"
    assert read_json(file(b'\xef\xbb\xbf{"a": 1}')) == {"a": 1}
    assert read_yaml(file(b"\xef\xbb\xbfa: 1")) == {"a": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("é".encode("utf-16"), "is UTF-16. Save it as UTF-8"),
        ("é".encode("utf-32"), "is UTF-32. Save it as UTF-8"),
        ("ab".encode("utf-16-le"), "line 1 contains a NUL character. It may be UTF-16"),
        (b"a\nb\xff", "not UTF-8: byte 0xff in line 2"),
        ("é".encode("latin-1"), "not UTF-8: byte 0xe9 in line 1"),
        (b"\xed\xa0\xbd", "not UTF-8: byte 0xed in line 1"),
    ],
)
def test_bytes_that_are_no_text_are_named(file, content, message):
    with pytest.raises(InputError, match=message) as error:
        read_text(file(content))
    assert "f.txt" in str(error.value)


def test_a_line_ends_at_a_line_feed_and_nowhere_else(file):
    text = "one\u2028two\r\nthree\x0c\x85\x1e\u2029four\rfive\n\nsix"
    assert list(lines(file(text))) == [
        (1, "one\u2028two"),
        (2, "three\x0c\x85\x1e\u2029four\rfive"),
        (3, ""),
        (4, "six"),
    ]


def test_what_is_no_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"is a folder, not a file"):
        read_text(tmp_path)
    with pytest.raises(InputError, match=r"absent\.json: no such file"):
        read_json(tmp_path / "absent.json")
    with pytest.raises(InputError, match=r"\\x00.*cannot be read .*null byte"):
        read_text("a\0b")
    with pytest.raises(InputError, match="cannot be read"):
        read_text(tmp_path / ("x" * 5000))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": ', "not complete JSON .* line 1, column 7"),
        ("", "not complete JSON"),
        ("id,question\n1,Who?\n", "not JSON: it begins with 'id,question"),
        ('{"a": Infinity}', "number that cannot be used: 'Infinity' in column 7"),
        ("[NaN]", "'NaN' in column 2"),
        ('["NaN -Infinity \\" 1e999",\n-Infinity]', "'-Infinity' in line 2, column 1"),
        ("[1.5e3, 1e999]", "'1e999' in column 9"),
        (f"[{'9' * 4300}, -{'9' * 4301}]", r"'-9+\.\.\.9+' in column 4304"),
        ("[" * 200_000, "nested too deeply"),
        ('{"a": ["Cut \\ud83d here"]}', r"lone surrogate '\\ud83d' in the text 'Cut"),
        ('{"\\udc00": 1}', "lone surrogate"),
        (
            '[{"a": 1}, {"b": {"c": 1, "c": 2}}]',
            r"f\.txt: an object repeats the key 'c': {'c': 2}\.",
        ),
        ('{"\\u0061": 1, "a": 1}', "repeats the key 'a'"),
        ("{" + ", ".join(f'"k{i % 99_999}": 1' for i in range(100_000)) + "}", "the key 'k0'"),
    ],
    ids=lambda text: text[:30],
)
def test_json_that_cannot_be_used_is_named(file, text, message):
    with pytest.raises(InputError, match=message) as error:
        read_json(file(text))
    assert len(str(error.value)) < 500


def test_a_whole_surrogate_pair_is_a_character(file):
    assert read_json(file('["\\ud83d\\ude00", "\\\\ud83d"]')) == ["😀", "\\ud83d"]


def test_json_lines_keep_separators_inside_texts_and_name_bad_lines(file):
    found = [row for _, row in read_json_lines(file('{"a": "x\u2028y"}\r\n\n{"a": "\x85"}'))]
    assert found == [{"a": "x\u2028y"}, {"a": "\x85"}]
    for text, message in (
        ('{"a": 1}\n{"a', "line 2: not complete"),
        ("[1]", "line 1 is not a"),
        ('{"a": 1}\n{"b": 1, "b": 1}', "line 2: an object repeats the key 'b'"),
    ):
        with pytest.raises(InputError, match=message):
            list(read_json_lines(file(text)))


def test_a_log_that_was_cut_loses_the_lines_that_are_cut_only(file):
    whole = '\n{"id": "é"}\n{"id": "ü"}\n{"id": "語"}'.encode()
    assert [row["id"] for row in recovered_json_lines(file(whole))] == ["é", "ü", "語"]
    inside_a_character = whole[:-3]
    assert [row["id"] for row in recovered_json_lines(file(inside_a_character))] == ["é", "ü"]
    went_on = inside_a_character + b'\n{"id": "x"}'
    assert [row["id"] for row in recovered_json_lines(file(went_on))] == ["é", "ü", "x"]
    assert recovered_json_lines(file(b"\nnull\n5\n" + b"[" * 100_000)) == []


MERGES = "a0: &a0 {k: 1}\n" + "".join(
    f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}\n" for i in range(1, 10)
)
LAUGHS = "a0: &a0 [x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MERGES, "expands to more than 100,000 values"),
        (LAUGHS, "expands to more than 100,000 values"),
        ("[" * 3000, "nested more than 50 levels deep"),
        ("".join("  " * i + f"k{i}:\n" for i in range(3000)), "larger than|nested more than 50"),
        ("&a [*a]", "an alias to itself"),
        ("a: 1\nb: 2\na: 3", "line 3 repeats the key 'a'"),
        ("x: {a: 1, a: 2}", "line 1 repeats the key 'a'"),
        ("# " + "c" * 2**21, "larger than 1 MiB"),
        ("a: [1, 2", "not valid YAML: line"),
        ("a: !!python/object:os.system x", "could not determine a constructor"),
        ('a: "\\ud83d"', "f.txt"),
        ("a: 1\0", "NUL"),
        ("a: 1\nb: !!int x", "not valid YAML: line 2: 'x' is not a possible int"),
        (f"a: {'9' * 5000}", "not valid YAML: line 1: '9999.* is not a possible int"),
        ("? [a]\n: 1", "not valid YAML"),
        ("a:\n- 2001-99-99", "not valid YAML: line 2: '2001-99-99' is not a possible timestamp"),
    ],
)
def test_yaml_that_cannot_be_used_is_named_and_soon(file, text, message):
    started = time.process_time()
    with pytest.raises(InputError, match=message) as error:
        read_yaml(file(text))
    assert time.process_time() - started < 2
    assert len(str(error.value)) < 500


def test_yaml_keeps_merges_and_their_overrides(file):
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a"
    assert read_yaml(file(text)) == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 1, "y": 3},
        "c": {"x": 1, "y": 2},
    }
    assert read_yaml(file("")) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("-2.5E+3", -2500.0),
        (".5", 0.5),
        ("7.", 7.0),
        ("-0", 0),
        ("+12", 12),
        (".inf", float("inf")),
        # In YAML 1.1 these are 8, 90, 3, 10, 16 and 5400.5.
        *((one, one) for one in ("010", "1:30", "0b11", "1_0", "0x10", "1:30:00.5", "0o10")),
        ("1.0.0", "1.0.0"),
        ("e5", "e5"),
        ("\u0663", "\u0663"),
        ("~", None),
        ("true", True),
    ],
)
def test_yaml_numbers_are_decimal(file, text, value):
    found = read_yaml(file(f"a: {text}"))["a"]
    assert found == value
    assert type(found) is type(value)


def test_a_file_of_fifty_megabytes_is_refused_at_once(tmp_path):
    path = tmp_path / "claims.yaml"
    path.write_bytes(b"# " + b"c" * 50_000_000)
    started = time.process_time()
    with pytest.raises(InputError, match="larger than 1 MiB"):
        read_yaml(path)
    assert time.process_time() - started < 1


def test_a_quoted_value_is_short():
    deep = []
    for _ in range(10_000):
        deep = [deep]
    for value in (
        "x" * 10**6,
        list(range(10**5)),
        {"k" * 1000: ["v" * 1000] * 1000},
        deep,
        10**4000,
    ):
        assert len(shown(value)) < 200
    assert shown("\ud83d") == "'\\ud83d'"
