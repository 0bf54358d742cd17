"""Simulated contrasts with known effects, many at once, to see how often intervals hold the truth.

A world says how the answers of two arms come about. Every kind of answer lies in [0, 1] but the
normal ones, and its mean is exact, so that the true effect is what the world says.
"""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass

import numpy as np
import pandas as pd

from xltlib.analysis.blocks import Block
from xltlib.analysis.intervals import p_value
from xltlib.analysis.variance import seed_variance, spread

LANGUAGES = 8
PASSAGE = 5
"""Questions of one passage, where passages are clusters."""
LEVELS = (0.05, 0.01, 0.005)


@dataclass(frozen=True)
class World:
    """How the answers of two arms come about.

    Attributes:
        answers: `normal`; `right or wrong`; `massed` at 0 and 100 with partial scores between;
            `rare`, one answer in ten lost; `bounded`, beta-distributed; `collapsed`, right or wrong
            where one training in five learns next to nothing.
        seeds, questions: trainings of each arm; questions of each language.
        effect: mean difference of the arms, a share.
        seed_sd: standard deviation of the difference between trainings that all languages share.
        seed_language_sd: the same for what each language has of its own.
        units: `questions`; `translations`, every language asks the same questions, and a question
            that favours an arm favours it in all of them; `passages` of five that do likewise.
        sizes: `equal`, or `unequal`: from a quarter of the questions to four times as many.
        row: `macro` over the languages; `language`, one of them; or `volatile`, one in which
            `seed_language_sd` is four times as large as in the others.
    """

    answers: str
    seeds: int
    questions: int
    effect: float = 0.0
    seed_sd: float = 0.0
    seed_language_sd: float = 0.0
    units: str = "questions"
    sizes: str = "equal"
    row: str = "macro"

    @property
    def rng(self) -> np.random.Generator:
        """A generator of this world's own: another one as soon as anything about it differs."""
        digest = hashlib.sha256(repr(astuple(self)).encode()).digest()
        return np.random.default_rng(list(digest))

    def blocks(self, rng: np.random.Generator, simulations: int) -> list[Block]:
        """The contrast [simulations, seeds, questions] in every language."""
        shared = _uniform(rng, self.seed_sd, (simulations, self.seeds, 1))
        normal = self.answers == "normal"
        if normal:
            shared = rng.normal(0, self.seed_sd, (simulations, self.seeds, 1))
        # A training that collapses does so in every language.
        alive = [rng.uniform(size=(simulations, self.seeds, 1)) > 0.2 for _ in range(2)]
        favour, base = self._questions(rng, simulations)
        blocks = []
        for i in range(LANGUAGES):
            own_sd = self.seed_language_sd * (4 if self.row == "volatile" and i == 0 else 1)
            n = self._count(i)
            size = (simulations, self.seeds, n)
            own = (simulations, self.seeds, 1)
            if self.units != "translations":
                favour, base = self._questions(rng, simulations)
            tilt, level = favour[..., :n], base[..., :n]
            if normal:
                training = shared + rng.normal(0, own_sd, own)
                values = self.effect + training + tilt + rng.normal(0, 0.3, size)
            else:
                training = shared + _uniform(rng, own_sd, own)
                arms = [
                    self._answers(rng, level, sign * (training + tilt) / 2, effect, alive[j])
                    for j, (sign, effect) in enumerate(((1, self.effect), (-1, 0.0)))
                ]
                values = arms[0] - arms[1]
            units = np.arange(n) // (PASSAGE if self.units == "passages" else 1)
            group = "one" if self.units == "translations" else str(i)
            blocks.append(Block(values, units, group))
        return blocks

    def _count(self, i: int) -> int:
        if self.sizes == "equal":
            return self.questions
        return max(5, round(self.questions * 4.0 ** (2 * i / (LANGUAGES - 1) - 1)))

    def _questions(
        self, rng: np.random.Generator, simulations: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """How much each question favours the first arm, and how easy it is."""
        n = max(map(self._count, range(LANGUAGES)))
        per = PASSAGE if self.units == "passages" else 1
        size = (simulations, 1, -(-n // per))
        scale = {"normal": 0.3, "rare": 0.03}.get(self.answers, 0.1)
        draw = rng.normal if self.answers == "normal" else None
        favour = draw(0, scale, size) if draw else _uniform(rng, scale, size)
        base = rng.uniform(-1, 1, size)
        return np.repeat(favour, per, axis=-1), np.repeat(base, per, axis=-1)

    def _answers(
        self,
        rng: np.random.Generator,
        base: np.ndarray,
        tilt: np.ndarray,
        effect: float,
        alive: np.ndarray,
    ) -> np.ndarray:
        """One arm's answers; their mean is that of `base`, plus tilt, plus effect."""
        size = np.broadcast_shapes(base.shape, tilt.shape)
        if self.answers == "rare":
            return -(rng.uniform(size=size) < 0.1 - 0.04 * base / 2 - tilt - effect).astype(float)
        if self.answers == "bounded":
            mean = 0.5 + 0.15 * base + tilt + effect
            return rng.beta(0.5 * mean, 0.5 * (1 - mean), size=size)
        if self.answers == "massed":
            right = rng.uniform(size=size) < 0.5 + 0.15 * base + (tilt + effect) / 0.85
            partial = rng.uniform(size=size) < 0.3
            return right * np.where(partial, rng.uniform(0.2, 0.8, size), 1.0)
        probability = 0.5 + 0.15 * base + tilt
        if self.answers == "collapsed":
            probability = np.where(alive, probability, 0.3 * probability)
        return (rng.uniform(size=size) < probability + effect).astype(float)


def _uniform(rng: np.random.Generator, sd: float, size: tuple[int, ...]) -> np.ndarray:
    """Bounded, so that every probability stays within [0, 1] and the effect is what it says."""
    reach = np.sqrt(3) * sd
    return rng.uniform(-reach, reach, size)


def coverage(world: World, *, simulations: int, batch: int = 250, joint: bool = True) -> pd.Series:
    """How often the 95 % interval holds the effect, and how often p lies below a level.

    The p-values are those of the true effect, so the shares are those of false findings:
    `P(p<a)/a` is at most 1 where p is valid. A contrast without any variance has no interval; such
    are counted in `none (%)` and in nothing else. `se` are Monte Carlo standard errors. Without
    `joint`, translations count as different questions, which is wrong.
    """
    rng, found, none, widths = world.rng, [], 0, []
    for start in range(0, simulations, batch):
        blocks = world.blocks(rng, min(batch, simulations - start))
        if not joint:
            blocks = [Block(b.values, b.units, str(i)) for i, b in enumerate(blocks)]
        seeds = seed_variance(blocks)
        shares = [1 / len(blocks)] * len(blocks)
        if world.row != "macro":
            blocks, shares = blocks[:1], [1.0]
        estimate, about, error = spread(blocks, shares, seeds)
        known = error > 0
        none += int((~known).sum())
        away = estimate - world.effect
        found.append(p_value(about, away, world.seeds)[known])
        widths.append(error[known])
    p = np.concatenate(found)
    shares = {a: (p < a).mean() for a in LEVELS}
    errors = {a: np.sqrt(share * (1 - share) / len(p)) for a, share in shares.items()}
    row = {"covers (%)": 100 * (1 - shares[LEVELS[0]]), "se covers": 100 * errors[LEVELS[0]]}
    for a in LEVELS:
        row |= {f"P(p<{a})/a": shares[a] / a, f"se P(p<{a})/a": errors[a] / a}
    return pd.Series(
        row | {"none (%)": 100 * none / simulations, "error": 100 * np.mean(np.concatenate(widths))}
    )
