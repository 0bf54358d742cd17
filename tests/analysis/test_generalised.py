"""Generalised transfer: means and gains worked out by hand, claims in the words they deserve."""

import numpy as np
import pandas as pd
import pytest

from xltlib.analysis.generalised import VIEWS, mean_table, pair_table
from xltlib.reporting import heat_maps, style

ABOUT = style.Provenance("quick", "me5-small", True, (1, 2, 3), "0123456789abcdef")
OPTIONS = {"level": 0.95, "p_values": True}
LANGUAGES = ("en", "sw")


def answers(corpus="xnli", seeds=(1, 2, 3), n=60, **right):
    """Answers of methods that are right with a given probability, paired across languages."""
    rng = np.random.default_rng(0)
    difficulty = rng.uniform(size=n)
    return pd.DataFrame(
        [
            {
                "task": corpus,
                "corpus": corpus,
                "arm": "none",
                "method": method,
                "seed": seed,
                "language": f"{a}-{b}",
                "id": f"i{i:03d}",
                # Two languages are harder than one.
                "correct": float(difficulty[i] < share - 0.2 * (a != b)),
            }
            for method, share in right.items()
            for seed in seeds
            for a in LANGUAGES
            for b in LANGUAGES
            for i in range(n)
        ]
    )


def test_accuracy_by_pair_is_a_mean_over_seeds_and_items():
    frame = answers(standard=0.6, n=4)
    table = pair_table(frame).set_index(["sentence1", "sentence2"])
    assert len(table) == 4
    part = frame[frame["language"] == "en-sw"]
    assert table.loc[("en", "sw"), "accuracy"] == pytest.approx(100 * part["correct"].mean())
    assert (table["n"] == 4).all()
    assert (table["seeds"] == 3).all()


def test_views_average_the_pairs_that_they_name():
    frame = answers(standard=0.6, adv=0.7)
    means = mean_table(frame, **OPTIONS).set_index(["method", "pairs"])
    assert [view for method, view in means.index if method == "adv"] == list(VIEWS)
    pairs = pair_table(frame)
    own = pairs[pairs["method"] == "adv"].set_index(["sentence1", "sentence2"])["accuracy"]
    assert means.loc[("adv", "all pairs"), "accuracy"] == pytest.approx(own.mean())
    both = (own[("en", "sw")] + own[("sw", "en")]) / 2
    assert means.loc[("adv", "two languages"), "accuracy"] == pytest.approx(both)
    assert means.loc[("adv", "English"), "accuracy"] == pytest.approx(own[("en", "en")])
    gain = (
        means.loc[("adv", "all pairs"), "accuracy"]
        - means.loc[("standard", "all pairs"), "accuracy"]
    )
    row = means.loc[("adv", "all pairs")]
    assert row["gain"] == pytest.approx(gain)
    assert row["low"] < gain < row["high"]
    assert row["n"] == 60
    assert (
        means.loc[("standard", "all pairs"), "gain"] != means.loc[("standard", "all pairs"), "gain"]
    )


def test_a_gain_without_an_interval_says_why_and_is_drawn_hollow():
    means = mean_table(answers(standard=0.6, adv=0.6), **OPTIONS).set_index(["method", "pairs"])
    assert set(means.loc["adv", "why not"]) == {"no question differs"}
    assert set(means.loc["standard", "why not"]) == {""}
    assert set(means.loc["adv", "level (%)"]) == {95.0}
    drawn = heat_maps.transfer_gains(means.reset_index(), about=ABOUT)
    (axes,) = drawn.axes
    hollow = [line.get_marker() for line in axes.lines if line.get_markerfacecolor() == "white"]
    assert len(hollow) == len(VIEWS)
    assert axes.get_xlabel().endswith("(points), 95 % interval; hollow: no interval")


def test_an_item_is_one_draw_however_many_pairs_it_is_answered_in():
    """Copies of a pair add no information, so they narrow no interval."""
    frame = answers(standard=0.6, adv=0.65)
    twice = pd.concat([frame, frame.assign(language=frame["language"] + "x")])
    rows = [
        mean_table(one, **OPTIONS).set_index(["method", "pairs"]).loc[("adv", "all pairs")]
        for one in (
            frame[frame["language"] == "en-sw"],
            twice[twice["language"].str.startswith("en-sw")],
        )
    ]
    assert rows[0]["n pairs"] == 1
    assert rows[1]["n pairs"] == 2
    assert rows[0]["low"] == pytest.approx(rows[1]["low"])
    assert rows[0]["high"] == pytest.approx(rows[1]["high"])


def test_methods_are_averaged_over_the_seeds_that_they_share():
    frame = answers(standard=0.6, adv=0.65)
    fewer = frame[(frame["method"] == "standard") | (frame["seed"] < 3)]
    both = mean_table(frame[frame["seed"] < 3], **OPTIONS)
    pd.testing.assert_frame_equal(mean_table(fewer, **OPTIONS), both)


def test_holm_counts_the_methods_of_a_view():
    means = mean_table(answers(standard=0.6, adv=0.65, rp=0.7, n=120), **OPTIONS)
    tested = means[means["p"].notna()]
    assert len(tested) == 2 * len(VIEWS)
    assert (tested["p (Holm)"] >= tested["p"]).all()
    assert means[means["method"] == "standard"]["p (Holm)"].isna().all()


@pytest.mark.parametrize("draw", [heat_maps.pair_heat_map, heat_maps.transfer_gains])
def test_figures_of_transfer_say_units_n_seeds_and_data(draw):
    frame = answers(standard=0.6, adv=0.65, n=20)
    table = pair_table(frame) if draw is heat_maps.pair_heat_map else mean_table(frame, **OPTIONS)
    figure = draw(table, about=ABOUT)
    texts = [figure.get_suptitle()]
    for axes in figure.axes:
        texts += [axes.get_title(), axes.get_xlabel(), axes.get_ylabel()]
    text = "\n".join(texts)
    for part in ("profile quick", "synthetic data (mini)", "seeds 1, 2, 3", "n=20", "points"):
        assert part in text, part
    assert style.png(figure, dpi=60).startswith(b"\x89PNG")


def test_gains_without_a_robust_method_say_so():
    means = mean_table(answers(standard=0.6, n=20), **OPTIONS)
    figure = heat_maps.transfer_gains(means, about=ABOUT)
    assert "no robust method here" in [text.get_text() for text in figure.axes[0].texts]
