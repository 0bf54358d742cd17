"""Heat maps of pairs fit their figure, however many there are."""

import warnings

import numpy as np
import pandas as pd
import pytest

from xltlib.analysis import tables
from xltlib.reporting import heat_maps, style

ABOUT = style.Provenance("quick", "me5-small", True, (1, 2), "0123456789abcdef")
LANGUAGES = "en ar bg de el es fr hi ru sw th tr ur vi zh".split()


def drawn(figure):
    """The figure with its layout done; a layout that does not fit is a warning, so an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert style.png(figure).startswith(b"\x89PNG")
    return figure


def pairs_of(languages, methods):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        [
            {"arm": "none", "method": method, "sentence1": one, "sentence2": other}
            | {"accuracy": rng.uniform(40, 80), "corpus": "xnli", "n": 10}
            for method in methods
            for one in languages
            for other in languages
        ]
    )


@pytest.mark.parametrize("size", [3, 7, 15])
def test_pairs_of_many_languages_fit(size):
    pairs = pairs_of(LANGUAGES[:size], ["standard", "adv", "rs-rp", "rs-da"])
    figure = drawn(heat_maps.pair_heat_map(pairs, about=ABOUT))
    grids = [axes for axes in figure.axes if axes.get_title()]
    assert len(grids) == 4
    numbers = sum(len(axes.texts) for axes in grids)
    assert numbers == (4 * size**2 if size <= 10 else 0)
    # Squares whose letters can be read.
    inches = [axes.get_window_extent().width / figure.dpi / size for axes in grids]
    assert min(inches) > 0.15


@pytest.mark.parametrize("size", [3, 6, 7])
def test_three_methods_stand_side_by_side(size):
    pairs = pairs_of(LANGUAGES[:size], ["standard", "rs-rp", "rs-da"])
    figure = drawn(heat_maps.pair_heat_map(pairs, about=ABOUT))
    grids = [axes for axes in figure.axes if axes.get_title()]
    assert len({round(axes.get_position().y0, 3) for axes in grids}) == 1
    assert len(figure.axes) == 4  # with one scale for all


def test_a_method_looks_alike_in_all_figures():
    of = dict.fromkeys(["arm", "corpus"], "none") | {"pairs": "all pairs", "n pairs": 9, "n": 10}
    of |= {"gain": 1.0, "low": 0.0, "high": 2.0, "level (%)": 95.0}
    colors = []
    for methods in (["adv", "rs-rp", "rs-da"], ["rs-rp"]):
        means = pd.DataFrame([of | {"method": method} for method in methods])
        (legend,) = drawn(heat_maps.transfer_gains(means, about=ABOUT)).legends
        names = [text.get_text() for text in legend.get_texts()]
        assert names == methods
        colors.append(legend.legend_handles[names.index("rs-rp")].get_color())
    assert colors[0] == colors[1]


@pytest.mark.parametrize("count", [1, 3, 5])
def test_transfer_of_many_attacks_fits(count):
    table = pd.DataFrame(
        [
            {"attack": f"attack {i}", "made against": one, "tested on": other}
            | {"broken": 50.0, "n": 120}
            for i in range(count)
            for one in tables.ARMS
            for other in tables.ARMS
        ]
    )
    figure = drawn(heat_maps.attack_transfer(table, about=ABOUT))
    assert [axes.get_title() for axes in figure.axes] == [f"attack {i}" for i in range(count)]
    assert all(text.get_text() == "50\nn=120" for axes in figure.axes for text in axes.texts)
