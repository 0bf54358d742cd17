"""Simulated answers with known effects, to see how often intervals hold the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from xltlib.analysis.bootstrap import interval_of

LANGUAGES = 5


@dataclass(frozen=True)
class World:
    """How differences between two arms come about; spreads are standard deviations in F1.

    `right or wrong` answers are 0 or 1 in both arms, as exact match is; `normal` ones are normal
    differences with a spread of questions of 0.3 and one of each answer of 0.3.
    """

    answers: str
    seeds: int
    questions: int
    effect: float
    seed_spread: float

    def draw(self, rng: np.random.Generator) -> list[np.ndarray]:
        """Differences of two arms: one array [seeds, questions] a language."""
        size = (self.seeds, self.questions)
        if self.answers == "normal":
            of_seed = rng.normal(0, self.seed_spread, (self.seeds, 1))
            return [
                self.effect
                + of_seed
                + rng.normal(0, self.seed_spread, (self.seeds, 1))
                + rng.normal(0, 0.3, (1, self.questions))
                + rng.normal(0, 0.3, size)
                for _ in range(LANGUAGES)
            ]
        # Uniform, so that every probability stays inside [0, 1] and the effect is what it says.
        reach = np.sqrt(3) * self.seed_spread
        of_seed = rng.uniform(-reach, reach, (self.seeds, 1))
        blocks = []
        for _ in range(LANGUAGES):
            base = 0.5 + rng.uniform(-0.3, 0.3, (1, self.questions))
            treated = rng.uniform(size=size) < base + of_seed + self.effect
            blocks.append(treated.astype(float) - (rng.uniform(size=size) < base))
        return blocks


def coverage(world: World, *, simulations: int, samples: int, level: float = 0.95) -> pd.Series:
    """How often the interval holds the effect, and how often it finds one, in percent."""
    held = found = 0
    for simulation in range(simulations):
        blocks = world.draw(np.random.default_rng([simulation, world.seeds, world.questions]))
        equal = [1 / LANGUAGES] * LANGUAGES
        one = interval_of(blocks, equal, samples=samples, seed=simulation, level=level)
        held += one.low <= 100 * world.effect <= one.high
        found += one.p < 1 - level
    shares = {"covers (%)": held / simulations, "finds (%)": found / simulations}
    return 100 * pd.Series(shares)
