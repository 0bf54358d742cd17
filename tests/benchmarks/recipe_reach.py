"""The share of real examples in which each recipe finds an allowed edit, by language.

`python tests/benchmarks/recipe_reach.py DATA ENCODER [EXAMPLES] [RECIPES]`: DATA has the folders
tydiqa-goldp, xquad, jaquad, tatoeba, xnli and pawsx; ENCODER is a folder with me5-small. The
attacked model takes no time and is wrong as soon as anything is edited, so only the recipe's own
limits matter. Prints a Markdown table in percent of examples.
"""

from __future__ import annotations

import csv
import sys
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import torch
from transformers import AutoConfig, AutoModelForQuestionAnswering, AutoTokenizer

from xltlib.attacks import Resources
from xltlib.attacks.example import attack_example
from xltlib.attacks.masked_lm import MaskedLM
from xltlib.attacks.pieces import Pieces
from xltlib.attacks.query import Output, Query
from xltlib.corpora.squad_files import read_squad
from xltlib.evaluation.predictor import SpanPredictor
from xltlib.languages import LANGUAGES, TYDI
from xltlib.params import (
    CodeMixSettings,
    DistractorSettings,
    HomoglyphSettings,
    HotFlipSettings,
    ImperceptibleSettings,
    MaskedLMSettings,
    MisspellingSettings,
    RecipeSettings,
    SynonymSettings,
    TasaSettings,
    TestSet,
    TypoSettings,
)

XQUAD = ("hi", "th", "zh")
CODES = (*TYDI, *XQUAD, "ja")
ISO3 = {"ar": "ara", "bn": "ben", "fi": "fin", "id": "ind", "ko": "kor", "ru": "rus", "sw": "swh"}
PARALLEL_PAIRS = 300
PLAIN = {"ranking": "random"}
RECIPES: dict[str, RecipeSettings] = {
    "typo": TypoSettings(**PLAIN),
    "homoglyph": HomoglyphSettings(**PLAIN),
    "imperceptible": ImperceptibleSettings(**PLAIN),
    "misspelling": MisspellingSettings(**PLAIN),
    "synonym": SynonymSettings(**PLAIN, candidates_per_word=10),
    "mlm": MaskedLMSettings(**PLAIN, model="stands-in", edits=["replace", "insert", "merge"]),
    "codemix": CodeMixSettings(**PLAIN, parallel=TestSet(corpus="tatoeba", languages=["ar"])),
    "hotflip": HotFlipSettings(**PLAIN),
    "distractor": DistractorSettings(),
    "tasa": TasaSettings(candidates_per_word=5),
}


class ByItsNeighbours(torch.nn.Module):
    """A substitute for a masked LM: the pieces nearest to the mean of those around the gap.

    It ignores grammar, but it has a real vocabulary and prefers the script of the text.
    """

    device = torch.device("cpu")

    def __init__(self, embeddings: torch.Tensor, mask: int) -> None:
        super().__init__()
        self.embeddings = torch.nn.functional.normalize(embeddings - embeddings.mean(0), dim=-1)
        self.mask = mask

    def forward(self, input_ids: torch.Tensor, **_: torch.Tensor) -> SimpleNamespace:
        """Logits [V] of the only masked token, indexed by its row and position."""
        ids = input_ids[0]
        place = int((ids == self.mask).nonzero()[0, 0])
        around = torch.cat([ids[max(place - 8, 0) : place], ids[place + 1 : place + 9]])
        return SimpleNamespace(
            logits={(0, place): self.embeddings @ self.embeddings[around].mean(0)}
        )


def questions(data: Path, examples: int) -> dict[str, list[dict]]:
    """Real questions whose answers have a position, by language, spread over each file."""
    tydi = "tydiqa-goldp/tydiqa-goldp-v1.1-dev/tydiqa-goldp-dev-{}.json"
    files = {code: tydi.format(LANGUAGES[code].name.lower()) for code in TYDI}
    files |= {code: f"xquad/xquad.{code}.json" for code in XQUAD}
    files["ja"] = "jaquad/jaquad_train_0000.json"
    found = {}
    for code, file in files.items():
        rows = [r for r in read_squad(data / file, code) if min(r["answers"]["answer_start"]) >= 0]
        found[code] = [dict(row) for row in rows[:: max(1, len(rows) // examples)]]
    return found


def parallel(data: Path) -> dict[str, list[tuple[str, str]]]:
    """(sentence, English) pairs by language."""
    found = {}
    for code, name in (ISO3 | {"te": "tel"}).items():
        file = data / f"tatoeba/tatoeba.{name}-eng"
        sides = (Path(f"{file}.{side}").read_text("utf-8").splitlines() for side in (name, "eng"))
        found[code] = list(zip(*sides, strict=True))
    for code in XQUAD:
        sides = (column(data / f"xnli/xnli.dev.{c}.tsv", f"sentence1_{c}") for c in (code, "en"))
        found[code] = list(dict.fromkeys(zip(*sides, strict=True)))
    sides = (by_id(data / f"pawsx/{code}/dev_2k.tsv") for code in ("ja", "en"))
    ours, english = sides
    found["ja"] = [(ours[key], english[key]) for key in ours if key in english]
    return {code: pairs[:PARALLEL_PAIRS] for code, pairs in found.items()}


def column(file: Path, name: str) -> list[str]:
    """A column of a tab-separated table."""
    with open(file, encoding="utf-8", newline="") as lines:
        return [row[name] for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)]


def by_id(file: Path) -> dict[str, str]:
    """The first sentence of each pair by its id."""
    return dict(zip(column(file, "id"), column(file, "sentence1"), strict=True))


def wrong_once_edited(row: dict, queries: list[Query]) -> list[Output]:
    """The output of a model that every edit breaks."""
    gold = row["answers"]["text"][0]
    same = [query.context == row["context"] for query in queries]
    return [Output(gold, 2.0) if ok else Output("", -2.0) for ok in same]


def small_model(encoder: Path) -> SpanPredictor:
    """One layer of the encoder with a span head, for cheap gradients on real word embeddings."""
    config = AutoConfig.from_pretrained(encoder)
    config.num_hidden_layers = 1
    torch.manual_seed(0)
    model = AutoModelForQuestionAnswering.from_pretrained(encoder, config=config)
    return SpanPredictor(model, AutoTokenizer.from_pretrained(encoder))


def stand_in(predictor: SpanPredictor) -> MaskedLM:
    """A masked LM of `ByItsNeighbours` with the encoder's own tokenizer and embeddings."""
    made = MaskedLM.__new__(MaskedLM)
    made.tokenizer = predictor.tokenizer
    weights = predictor.model.get_input_embeddings().weight.detach()
    made.model = ByItsNeighbours(weights, made.tokenizer.mask_token_id)
    made.pieces = Pieces(made.tokenizer)
    made.proposals = lru_cache(maxsize=4096)(made._proposals)
    return made


def reach(
    sets: dict[str, list[dict]], bitext: dict, encoder: Path, names: list[str], examples: int
) -> pd.DataFrame:
    """Percent of examples edited: one row per recipe, one column per language.

    A language that a recipe refuses by name is missing from its row.
    """
    predictor, table = small_model(encoder), {}
    resources = Resources(predictor, sets, encoder, bitext)
    masked_lm = stand_in(predictor)
    resources.masked_lm = lambda settings: masked_lm
    for name in names:
        table[name] = {}
        for code, rows in sets.items():
            if name == "misspelling" and code != "en":
                continue
            done = [
                attack_example(row, partial(wrong_once_edited, row), RECIPES[name], resources)
                for row in islice(rows, examples)
            ]
            edited = [record["attacked_context"] != record["context"] for record in done]
            table[name][code] = 100 * sum(edited) / len(edited)
            print(name, code, len(edited), table[name][code], file=sys.stderr, flush=True)
    return pd.DataFrame(table, index=list(sets)).T


def main(data: str, encoder: str, examples: str = "50", names: str = ",".join(RECIPES)) -> None:
    """Measure and print."""
    sets = questions(Path(data), int(examples))
    table = reach(sets, parallel(Path(data)), Path(encoder), names.split(","), int(examples))
    print("| recipe | " + " | ".join(table.columns) + " |")
    print("|---|" + "---|" * len(table.columns))
    for name, row in table.iterrows():
        cells = ("" if pd.isna(share) else f"{share:.0f}" for share in row)
        print(f"| `{name}` | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main(*sys.argv[1:])
