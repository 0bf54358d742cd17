"""What an interval could have shown: detectable effects, power, and whether two arms are the same.

"No difference was found" says nothing where none could have been found, so every contrast carries
the smallest effect that it would have found four times in five, and whether the effect lies within
bounds that would not matter.
"""

from __future__ import annotations

from scipy import stats

from xltlib.analysis.bootstrap import Interval


def detectable(interval: Interval, power: float = 0.8) -> float:
    """The smallest true effect in points that is found with this power at the interval's level.

    The usual sum of two quantiles of Student's t times the standard error (Bloom 1995). It is NaN
    where there is no standard error.
    """
    tail = (1 + interval.level) / 2
    quantiles = stats.t.ppf(tail, interval.df) + stats.t.ppf(power, interval.df)
    return float(quantiles * interval.error)


def power(interval: Interval, effect: float) -> float:
    """The probability that a true effect of so many points is found at the interval's level."""
    critical = stats.t.ppf((1 + interval.level) / 2, interval.df)
    if not interval.error > 0:
        return float("nan")
    shift = effect / interval.error
    # Student's t shifted: close to the noncentral one, and defined for infinite degrees of freedom.
    above = stats.t.sf(critical - shift, interval.df)
    return float(above + stats.t.cdf(-critical - shift, interval.df))


def equivalence_p(interval: Interval, bound: float) -> float:
    """P-value of "the true effect is at least `bound` points in size", by two one-sided tests.

    A small one says that the arms are the same up to the bound (Schuirmann 1987). NaN where there
    is no standard error.
    """
    if interval.error == 0:
        return 0.0 if abs(interval.estimate) < bound else 1.0
    below = stats.t.sf((interval.estimate + bound) / interval.error, interval.df)
    above = stats.t.cdf((interval.estimate - bound) / interval.error, interval.df)
    return float(max(below, above))
