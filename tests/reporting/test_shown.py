"""Tables and sentences as a reader sees them."""

import pandas as pd

from xltlib.reporting import shown


def test_a_styled_table_is_the_same_html_each_time():
    frame = pd.DataFrame({"f1": [50.0]})
    html = shown.style(frame, "scores").data
    assert html == shown.style(frame, "scores").data
    assert "<caption>scores</caption>" in html
    assert ">50.0<" in html


def test_a_long_text_is_not_cut_short():
    text = "a sentence of many words " * 10
    assert text in shown.style(pd.DataFrame({"text": [text]})).data
    assert shown.sentences([text, "b"]).data == f"- {text}\n- b"


def test_numbers_have_the_digits_of_what_they_count():
    row = {"p (Holm)": 0.01234, "margin": 0.5, "f1": 12.34, "n": 40.0, "n languages": 3}
    texts = shown.shown(pd.DataFrame([row, dict.fromkeys(row, float("nan"))]))
    assert list(texts.iloc[0]) == ["0.012", "0.500", "12.3", "40", "3"]
    assert list(texts.iloc[1]) == [""] * 5


def test_nothing_is_minus_zero_and_no_p_value_is_zero():
    row = {"estimate": -0.04, "p": 0.0001, "p (TOST)": 0.0006, "n": -0.0}
    for texts in (
        list(shown.shown(pd.DataFrame([row])).iloc[0]),
        shown.style(pd.DataFrame([row])).data,
    ):
        assert all(one in texts for one in ("0.0", "<0.001", "0.001")) or "&lt;0.001" in texts
        assert "-0.0" not in texts
    assert list(shown.shown(pd.DataFrame([row])).iloc[0]) == ["0.0", "<0.001", "0.001", "0"]


def test_a_text_that_looks_like_html_is_shown_and_not_run():
    frame = pd.DataFrame({"<b>": ["<script>alert(1)</script> & more"], "f1": [1.25]})
    html = shown.style(frame).data
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in html
    assert "&lt;b&gt;" in html
    assert "<script" not in html
    assert "<b>" not in html


def test_rows_of_a_json_file_begin_with_the_columns_named():
    rows = [{"a": 1, "language": "en", "n": 2}, {"a": 2, "language": "ru", "n": 3}]
    assert list(shown.ordered(rows, ["language", "n"])) == ["language", "n", "a"]
    assert list(shown.ordered([], ["language", "n"])) == ["language", "n"]
