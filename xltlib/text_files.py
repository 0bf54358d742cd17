"""Reading text: one decoder, and one reader each for lines, JSON and JSON lines.

Text is UTF-8, with or without a byte order mark. A line ends only at a line feed, with or without
a carriage return before it: form feeds, U+0085 and U+2028 are part of the line. Every problem is an
`InputError` of a few hundred characters that names the file, the place and the fix.
"""

from __future__ import annotations

import codecs
import json
import math
import re
import reprlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MOST_BYTES = 2**30

MOST_DIGITS = 4300
"""Python's own limit on the digits of an integer."""

# Strings come first, so that numbers inside them are skipped.
_STRING_OR_NUMBER = re.compile(
    r'"(?:[^"\\]|\\.)*+"|(?P<number>-?(?:Infinity|NaN|\d++(?:\.\d++)?(?:[eE][+-]?\d++)?))'
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_HALF_PAIR = re.compile(r"[\ud800-\udfff]")
_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")
# The longer mark comes first, because UTF-32's begins with UTF-16's.
_OTHER_MARKS = {codecs.BOM_UTF32_LE: "UTF-32", codecs.BOM_UTF32_BE: "UTF-32"}
_OTHER_MARKS |= {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}
LFS_POINTER = b"version https://git-lfs"
# The first bytes of files that are not text.
_NO_TEXT = {
    LFS_POINTER: "a Git LFS pointer, not the file itself. Run `git lfs pull` in the repository, or "
    "download the file.",
    b"\x1f\x8b": "compressed with gzip. Unpack it.",
    b"PK\x03\x04": "a zip archive. Unpack it.",
    b"PAR1": "a Parquet file, where text is expected. Save it as JSON lines.",
}


class InputError(ValueError):
    """The user's input cannot be used; the message names the file, the key and the fix."""


class RepeatedKeyError(InputError):
    """A JSON object has a key twice."""


def shown(value: object, most: int = 80) -> str:
    """A value quoted for a message: its `repr`, cut in the middle, without lone surrogates."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = most
    text = short.repr(value)
    if len(text) > 2 * most:
        text = text[:most] + "..." + text[-most // 2 :]
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def printable(text: str) -> str:
    """The text with its control characters escaped, but for tabs and line feeds: names, paths and
    descriptions must not act on the terminal."""
    return _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def number_of(count: int, noun: str) -> str:
    """A number with its noun, for a message: "1 question", "2 questions"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def shown_path(path: Path | str) -> str:
    """A path for a message: in full, unless it is unprintable or very long."""
    text = str(path)
    return text if text.isprintable() and len(text) < 500 else shown(text, 200)


def read_text(path: Path | str, most_bytes: int = MOST_BYTES) -> str:
    """A whole text file.

    Raises:
        InputError: cannot be opened, is too large, or is not UTF-8 text.
    """
    return decode(_bytes(Path(path), most_bytes), shown_path(path))


def decode(data: bytes, where: str) -> str:
    """UTF-8 bytes as text, without a byte order mark.

    Raises:
        InputError: names the encoding if it is known, otherwise the first byte that is not UTF-8.
    """
    for mark, name in _OTHER_MARKS.items():
        if data.startswith(mark):
            raise InputError(f"{where}: is {name}. Save it as UTF-8.")
    for mark, name in _NO_TEXT.items():
        if data.startswith(mark):
            raise InputError(f"{where}: {name}")
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        at = error.start
        line = data.count(b"\n", 0, at) + 1
        raise InputError(
            f"{where}: not UTF-8: byte 0x{error.object[at]:02x} in line {line} ({error.reason}). "
            "Save it as UTF-8; if it was UTF-8, the file is damaged: copy or download it again."
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(
            f"{where}: not a text file: line {line} contains a NUL character. It may be UTF-16 "
            "(save it as UTF-8) or damaged (copy or download it again)."
        )
    return text


def lines(path: Path | str) -> Iterator[tuple[int, str]]:
    """The numbered lines of a text file, without line ends; the first is number 1.

    Raises:
        InputError: cannot be opened, or is not UTF-8 text.
    """
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        yield number, line.removesuffix("\r")


def read_json(path: Path | str) -> Any:
    """The value in a JSON file; raises as `read_text` and `parse_json` do."""
    return parse_json(read_text(path), shown_path(path))


def read_json_lines(path: Path | str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a JSON-lines file, each with its place for messages; empty lines are skipped.

    Raises:
        InputError: names the line that is not a JSON object.
    """
    for number, line in lines(path):
        if line.strip():
            where = f"{path}: line {number}"
            row = parse_json(line, where)
            if not isinstance(row, dict):
                raise InputError(f"{where} is not a JSON object (found {shown(row)}).")
            yield where, row


def recovered_json_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines that a killed process may have left incomplete.

    Incomplete lines, even if cut inside a character, are left out. Use this only for files that can
    be regenerated.
    """
    records = []
    for line in path.read_bytes().split(b"\n") if path.is_file() else ():
        try:
            record = json.loads(line.decode("utf-8", "surrogatepass"))
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            records.append(record)
    return records


def parse_json(text: str, where: str, *, finite: bool = True) -> Any:
    """The value of a JSON text.

    Args:
        finite: refuse NaN and infinite numbers, which are not valid JSON.

    Raises:
        RepeatedKeyError: an object has a key twice.
        InputError: not complete JSON, nested too deeply, a number that is too large, or a lone
            surrogate, which cannot be written to a file.
    """
    try:
        value = json.loads(
            text,
            object_pairs_hook=_without_repeats,
            parse_constant=_refused if finite else None,
            parse_float=_finite if finite else None,
        )
    except json.JSONDecodeError as error:
        if text.strip() and not text.lstrip().startswith(("{", "[")):
            raise InputError(
                f"{where}: not JSON: it begins with {shown(text.lstrip(), 30)}, not with {{ or [. "
                "Give a JSON file."
            ) from error
        raise InputError(
            f"{where}: not complete JSON ({error.msg}: line {error.lineno}, column {error.colno}). "
            "Correct it, or copy or download it again."
        ) from error
    except RepeatedKeyError as error:
        raise RepeatedKeyError(f"{where}: {error}") from error
    except RecursionError as error:
        raise InputError(f"{where}: JSON nested too deeply to read. Flatten it.") from error
    except ValueError as error:  # raised by the hooks, and for integers with thousands of digits
        raise InputError(
            f"{where}: contains a number that cannot be used: {_odd_number(text)}. Correct it."
        ) from error
    if _ESCAPED_HALF.search(text):
        refuse_half_pairs(value, where)
    return value


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, in which no key may be repeated."""
    value = dict(pairs)
    if len(value) < len(pairs):
        ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise RepeatedKeyError(
            f"an object repeats the key {shown(twice)}: {shown(value)}. Keep one of them."
        )
    return value


def _refused(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _finite(digits: str) -> float:
    if math.isfinite(number := float(digits)):
        return number
    raise ValueError(f"{digits} is too large")


def _odd_number(text: str) -> str:
    """The first number in a JSON text that cannot be used, and its place."""
    for token in _STRING_OR_NUMBER.finditer(text):
        digits = token["number"]
        if digits is None:
            continue
        whole = digits.removeprefix("-").isdecimal()
        if len(digits) > MOST_DIGITS if whole else not math.isfinite(float(digits)):
            line = text.count("\n", 0, token.start()) + 1
            column = token.start() - text.rfind("\n", 0, token.start())
            place = f"line {line}, column {column}" if "\n" in text else f"column {column}"
            return f"{shown(digits, 30)} in {place}"
    return "one with too many digits"


def refuse_half_pairs(value: Any, where: str) -> None:
    """Refuse a value of plain types that has a string with a lone surrogate."""
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, str):
            found = _HALF_PAIR.search(item)
            if found:
                around = item[max(0, found.start() - 20) : found.end() + 20]
                raise InputError(
                    f"{where}: lone surrogate {shown(found.group())} in the text {shown(around)}. "
                    "It is not a character: remove it or write the whole pair."
                )
        elif isinstance(item, dict):
            left += [*item, *item.values()]
        elif isinstance(item, list):
            left += item


def _bytes(path: Path, most_bytes: int) -> bytes:
    """The bytes of a whole file."""
    try:
        with open(path, "rb") as file:
            data = file.read(most_bytes + 1)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file. Check the path.") from error
    except IsADirectoryError as error:
        raise InputError(f"{path}: is a folder, not a file. Name a file in it.") from error
    except (OSError, ValueError) as error:  # ValueError: NUL in the path
        problem = getattr(error, "strerror", None) or error
        raise InputError(
            f"{shown_path(path)}: cannot be read ({problem}). Check the path."
        ) from error
    if len(data) > most_bytes:
        raise InputError(f"{path}: larger than {most_bytes // 2**20} MiB, the limit. Split it.")
    return data
