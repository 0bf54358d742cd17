"""Tables and text for LaTeX: nothing lost, nothing taken for a command, every table fits a page."""

import pandas as pd
import pytest

from xltlib.reporting import latex, macros
from xltlib.reporting.sentences import Sentence


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("50 % of F_1 & more #2", r"50 \% of F\_1 \& more \#2"),
        ("a\\b {c} $d", r"a\textbackslash{}b \{c\} \$d"),
        ("a--b", "a-{}-b"),
        ("café, ğ, ß", "café, ğ, ß"),
        ("ก ≥ −1", r"[U+0E01] $\geq$ $-$1"),
        ("two\nlines", "two lines"),
    ],
)
def test_text_is_printed_letter_for_letter(text, expected):
    assert latex.escape(text) == expected


def test_values_have_a_real_minus_and_missing_ones_a_dash():
    assert latex.value("-1.5") == "$-$1.5"
    assert latex.value("") == "--"
    assert latex.value("rs-rp") == "rs-rp"


def test_what_every_row_says_goes_into_the_caption():
    frame = pd.DataFrame({"arm": ["none", "english"], "seeds": [2, 2], "f1": [50.0, 40.0]})
    text = latex.table(frame, caption="Scores_1", label="tab:s")
    assert "In every row: seeds = 2." in text
    assert r"\toprule" in text
    assert r"\caption{Scores\_1" in text
    assert "none & 50.0" in text


def test_a_wide_table_lies_on_its_side_and_a_long_one_goes_on():
    row = {f"column number {i}": 1234.5 + i for i in range(22)}
    wide = pd.DataFrame([row, {name: value + 1 for name, value in row.items()}])
    assert r"\begin{landscape}" in latex.table(wide, caption="c", label="l")
    long = pd.DataFrame({"language": [f"l{i}" for i in range(90)], "f1": range(90)})
    text = latex.table(long, caption="c", label="l")
    assert r"\begin{longtable}" in text
    assert "landscape" not in text


def quote(place, numbers):
    words = " ".join(f"{{{name}:.1f}}" for name in numbers)
    return macros.Quote(place, Sentence("s", words, numbers), "outputs/x/metrics.json")


def test_macros_are_letters_only_and_never_the_same():
    quotes = [
        quote(("results", "me5-small", "s1"), {"low": 1.0, "high": 2.0}),
        quote(("results", "me5-small", "s1"), {"low": 3.0}),
        quote(("results", "me5-small", "multilingual+targets"), {"low": 4.0}),
    ]
    names = [name for own in macros.names(quotes) for name in own.values()]
    assert names == [
        "xltResultsMeFiveSmallSOneLow",
        "xltResultsMeFiveSmallSOneHigh",
        "xltResultsMeFiveSmallSOneLowB",
        "xltResultsMeFiveSmallMultilingualPlusTargetsLow",
    ]
    written = macros.definitions(quotes)
    assert r"\newcommand{\xltResultsMeFiveSmallSOneLowB}{3.0}" in written


@pytest.mark.parametrize("text", ["[1] says so", "*SumEval", "Мы"])
def test_a_cell_that_begins_a_row_is_no_option_of_the_row_before(text):
    made = latex.table(pd.DataFrame({"a": [text, "b"], "c": [1.0, 2.0]}), caption="c", label="l")
    rows = [line for line in made.splitlines() if line.endswith(r"\\")]
    assert not [row for row in rows if row.startswith(("[", "*"))]
    assert any(row.startswith("{}") for row in rows)
