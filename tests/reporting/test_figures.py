"""Figures say what they show, and tell the arms apart in colour, in grey and by shape."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb

from xltlib.analysis import tables
from xltlib.reporting import figures, style

SMALLEST = {"f1": 2.0, "kept": 3.0, "log_odds": 0.2}
ABOUT = style.Provenance("quick", "me5-small", True, (1, 2), "0123456789abcdef")


@pytest.fixture(scope="module")
def clean():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        [
            {
                "corpus": corpus,
                "arm": arm,
                "seed": seed,
                "language": language,
                "id": f"q{i}",
                "f1": rng.uniform(),
                "em": 0.0,
            }
            for corpus, languages in (("tydiqa", ["en", "ar", "te"]), ("xquad", ["en", "th"]))
            for arm in tables.ARMS
            for seed in (1, 2)
            for language in languages
            for i in range(7)
        ]
    )


@pytest.fixture(scope="module")
def attacked(clean):
    frame = clean.rename(columns={"f1": "original_f1"}).assign(attack="typo", queries=3)
    frame["attacked_f1"] = frame["original_f1"] / 2
    frame["original_em"] = frame["attacked_em"] = 0.0
    frame["outcome"] = np.where(frame["original_f1"] > 0.5, "succeeded", "failed")
    return frame


@cache
def contrast_table():
    row = {"language": tables.MACRO, "n": 14, "level (%)": 95.0, "condition": "typo", "seeds": 2}
    row |= {"estimate": 1.0, "low": -3.0, "high": 5.0, "detectable": 6.0}
    return pd.DataFrame(
        [
            row | {"contrast": pair, "measured": measured}
            for pair in ("multilingual - english", "english - none")
            for measured in ("clean", "change", "share kept", "effective robustness")
        ]
    )


def made(name, clean, attacked):
    if name == "contrast":
        return figures.contrast(contrast_table(), smallest=SMALLEST, about=ABOUT)
    if name == "scores_by_language":
        source = clean
    elif name == "success_rate":
        source = tables.success_rate(attacked)
    else:
        source = tables.under_attack(attacked)
    return getattr(figures, name)(source, about=ABOUT)


def words_of(figure):
    texts = [figure.get_suptitle(), figure.get_supxlabel()]
    for axes in figure.axes:
        texts += [axes.get_title(), axes.get_xlabel(), axes.get_ylabel()]
        texts += [label.get_text() for label in (*axes.get_xticklabels(), *axes.get_yticklabels())]
    for legend in figure.legends:
        texts += [text.get_text() for text in legend.get_texts()]
    return "\n".join(texts)


NAMES = ["scores_by_language", "clean_and_attacked", "success_rate", "contrast"]


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_says_its_units_n_seeds_profile_and_data(name, clean, attacked):
    text = words_of(made(name, clean, attacked))
    for part in (
        "profile quick",
        "synthetic data (mini)",
        "seeds 1, 2",
        "run 0123456789abcdef",
    ):
        assert part in text, part
    assert "n=" in text
    assert "points" in text or "%" in text


@pytest.mark.parametrize("name", NAMES[:3])
def test_every_arm_and_language_is_named(name, clean, attacked):
    text = words_of(made(name, clean, attacked))
    # Success rates pool the two seeds.
    n = "n=14 each" if name == "success_rate" else "n=7 each"
    for part in (*tables.ARMS, "en", "te", f"tydiqa\n({n})", f"xquad\n({n})"):
        assert part in text, part


@pytest.mark.parametrize("name", NAMES)
def test_the_same_figure_is_the_same_bytes(name, clean, attacked):
    for render, start in ((style.png, b"\x89PNG"), (style.pdf, b"%PDF")):
        first, second = (render(made(name, clean, attacked)) for _ in range(2))
        assert first == second
        assert first.startswith(start)


def test_languages_of_different_size_each_say_theirs(clean):
    uneven = clean[(clean["language"] != "te") | (clean["id"] < "q5")]
    text = words_of(figures.scores_by_language(uneven, about=ABOUT))
    for part in ("en\nn=7", "te\nn=5", "xquad\n(n=7 each)"):
        assert part in text


def test_arms_of_different_size_give_a_range(attacked):
    skipped = (attacked["arm"] == "none") & (attacked["id"] < "q4")
    some = attacked.assign(outcome=attacked["outcome"].mask(skipped, "skipped"))
    text = words_of(figures.success_rate(tables.success_rate(some), about=ABOUT))
    assert "tydiqa\n(n=6 to 14)" in text


@pytest.mark.parametrize("name", NAMES)
def test_nothing_sticks_out_of_the_figure(name, clean, attacked):
    figure = made(name, clean, attacked)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    width, height = canvas.get_width_height()
    box = figure.get_tightbbox(canvas.get_renderer())
    inches = figure.dpi
    assert box.x0 * inches >= -1
    assert box.y0 * inches >= -1
    assert box.x1 * inches <= width + 1
    assert box.y1 * inches <= height + 1


@pytest.mark.parametrize("name", ["clean_and_attacked", "success_rate"])
def test_titles_of_narrow_panels_keep_apart(name, clean, attacked):
    one = attacked[attacked["language"] == "en"]
    many = pd.concat([one.assign(attack=attack) for attack in ("typo", "distractor", "synonym")])
    figure = made(name, clean, many)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    boxes = [axes.title.get_window_extent(canvas.get_renderer()) for axes in figure.axes]
    assert len(boxes) == 6
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


@pytest.mark.parametrize("widths", [[4.0] * 3, [3.0] * 4, [3.0] * 3, [1.0]])
def test_rows_of_panels_fill_the_width_and_panels_are_alike(widths):
    figure, panels = style.canvas(widths)
    drawn(figure)
    places = [axes.get_position() for axes in panels]
    assert max(place.x1 for place in places) > 0.97
    assert np.ptp([place.width for place in places]) < 0.03


SIX = ("none", "english", "multilingual", "multilingual+targets", "english+multilingual", "german")


def drawn(figure):
    """A renderer of the drawn figure, and the figure's width in pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return canvas.get_renderer(), canvas.get_width_height()[0]


def apart(texts, renderer):
    """Whether no two texts overlap."""
    boxes = [text.get_window_extent(renderer) for text in texts if text.get_text()]
    return not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_names_of_a_real_study_keep_apart(clean):
    """Six arms, long names of test sets, and n under each of nine languages."""
    one = clean[(clean["arm"] == "none") & (clean["corpus"] == "tydiqa")]
    english = one[one["language"] == "en"]
    sets = [
        english.assign(corpus=f"noiseqa/{name}-rest")
        for name in ("asr-natural", "clean", "keyboard-natural")
    ]
    sets += [
        english[english["id"] <= f"q{5 + i % 2}"].assign(corpus="tydiqa", language=code)
        for i, code in enumerate(("en", "ar", "bn", "fi", "id", "ko", "ru", "sw", "te"))
    ]
    many = pd.concat([pd.concat(sets).assign(arm=arm) for arm in SIX])
    two = many[many["arm"].isin(SIX[1:3])]
    for rows in (many, two):
        figure = figures.scores_by_language(rows, about=ABOUT)
        renderer, width = drawn(figure)
        assert apart([axes.title for axes in figure.axes], renderer)
        for axes in figure.axes:
            assert apart(axes.get_xticklabels(), renderer)
        box = figure.legends[0].get_window_extent(renderer)
        assert box.x0 >= 0
        assert box.x1 <= width


def test_names_of_six_contrasts_keep_apart():
    row = contrast_table().iloc[-1]  # it has the longest label
    pairs = [f"{SIX[i]} - {SIX[1]}" for i in (2, 4, 5)]
    pairs += ["multilingual - none", "english - none", "multilingual+targets - multilingual"]
    table = pd.DataFrame([dict(row) | {"contrast": pair, "n": 4637} for pair in pairs])
    table.loc[0, "n"] = 2904
    figure = figures.contrast(table, smallest=SMALLEST, about=ABOUT)
    renderer, width = drawn(figure)
    titles = [axes.title for axes in figure.axes]
    assert apart(titles, renderer)
    assert max(title.get_window_extent(renderer).x1 for title in titles) <= width


def test_points_of_a_handful_of_questions_are_not_drawn(clean):
    few = clean[(clean["language"] != "te") | (clean["id"] < "q4")]
    assert "te" not in words_of(figures.scores_by_language(few, about=ABOUT)).split("\n")
    none = clean[clean["id"] < "q4"]
    figure = figures.scores_by_language(none, about=ABOUT)
    assert style.NOTHING in [text.get_text() for text in figure.texts]


def claimed(name, unit, intervals):
    lines = [
        {"compared": compared, "kind": "inconclusive", "interval": one}
        for compared, one in intervals.items()
    ]
    return {"name": name, "unit": unit, "smallest": 2.0, "lines": lines}


def test_claims_are_drawn_with_others_of_their_unit():
    interval = {"estimate": 1.0, "low": -1.0, "high": 3.0, "detectable": 2.9}
    interval |= {"level": 0.95, "n_examples": 40, "n_seeds": 3}
    records = [
        claimed("one", "points of F1", {"a - b": interval}),
        claimed("two", "points of accuracy", {"adv": interval, "rs-rp": interval}),
        claimed("three", "points of F1", {"c - d": interval | {"low": None, "high": None}}),
        claimed("four", "points", {"": None}),
    ]
    figure = figures.verdicts(records, about=ABOUT)
    assert [len(axes.get_yticks()) for axes in figure.axes] == [2, 2]
    text = words_of(figure)
    for part in ("points of F1", "points of accuracy", "95 %", "n=40, 3 seeds", "nothing", "four"):
        assert part in text, part
    assert figures.verdicts(records[3:], about=ABOUT) is None


def test_a_figure_of_intervals_explains_its_marks():
    interval = {"estimate": 1.0, "low": -1.0, "high": 3.0, "detectable": 2.9}
    interval |= {"level": 0.95, "n_examples": 40, "n_seeds": 3}
    claims = [claimed("one", "points of F1", {"a - b": interval})]
    for figure in (
        figures.contrast(contrast_table(), smallest=SMALLEST, about=ABOUT),
        figures.verdicts(claims, about=ABOUT),
    ):
        text = words_of(figure)
        for part in ("95 % interval", "too small to matter", "minimum detectable effect"):
            assert part in text, part


def test_points_are_drawn_at_the_means(clean):
    figure = figures.scores_by_language(clean, about=ABOUT)
    drawn = {
        round(float(line.get_ydata()[0]), 6)
        for axes in figure.axes
        for line in axes.lines
        if len(line.get_ydata()) == 1
    }
    means = 100 * clean.groupby(["corpus", "arm", "language"])["f1"].mean()
    assert drawn == {round(float(mean), 6) for mean in means}


def test_arms_differ_in_marker_and_in_grey():
    markers = [marker for _, marker in style.STYLES.values()]
    assert len(set(markers)) == len(tables.ARMS) == len(style.STYLES)
    # Rec. 709 luminance, as a grey printer sees the colours.
    greys = sorted(
        float(np.dot(to_rgb(color), [0.2126, 0.7152, 0.0722])) for color, _ in style.STYLES.values()
    )
    assert min(np.diff(greys)) > 0.04


def test_an_arm_without_training_says_so():
    figure = figures.training_loss([], "none")
    assert figure.axes[0].texts[0].get_text() == "no training in this arm"
    figure = figures.training_loss([{"step": step, "loss": 1.0} for step in range(2, 21, 2)], "a")
    assert all(tick == int(tick) for tick in figure.axes[0].get_xticks())


def test_arms_of_a_profile_get_looks_of_their_own():
    looks = style.styles(["none", "german", "none adv", "english"])
    assert looks["none"] == style.STYLES["none"]
    assert len(set(looks.values())) == 4
    many = style.styles([f"arm-{i}" for i in range(30)])
    assert len(set(many.values())) == 30


def test_long_titles_are_broken_and_not_cut():
    about = style.Provenance("tydiqa-intermediate", "x" * 60, False, tuple(range(12)), "0" * 16)
    figure = style.titled(style.canvas([2.0])[0], "A title", about)
    lines = figure.get_suptitle().split("\n")
    assert lines[0] == "A title"
    assert "".join(lines[1:]).replace(" ", "") == str(about).replace(" ", "")
    assert max(map(len, lines)) <= style.LETTERS * style.MAX_WIDTH


def test_each_contrast_says_how_many_seeds_it_has():
    table = contrast_table().copy()
    table.loc[table["contrast"] == "english - none", "seeds"] = 1
    figure = figures.contrast(table, smallest=SMALLEST, about=ABOUT)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["multilingual\nminus english\n2 seeds", "english\nminus none\n1 seed"]
