"""mini: a synthetic parallel testbed for QA, NLI and tagging in fifteen languages.

Nothing here is real: facts are drawn at random, sentences come from hand-written templates (one
YAML file per language), and names, numbers and dates come from CLDR, through Babel, in each
language's own script and format. Each passage is about two places of the same kind and states the
same relations of both, so neither the type of the answer nor the words around it are enough: a
model has to find the right place. Like mOthello (Hua et al. 2024), this is a controlled testbed,
not a substitute for a corpus.
"""

from __future__ import annotations

import datetime
import random
import string
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import regex
import yaml
from babel import Locale
from babel.dates import format_date, get_month_names
from pydantic import BaseModel, ConfigDict, ValidationError

from xltlib.artifacts import InputError
from xltlib.languages.letter_case import upper

LANGUAGES = (
    "en",
    "ar",
    "bn",
    "fi",
    "id",
    "ko",
    "ru",
    "sw",
    "te",
    "de",
    "es",
    "fr",
    "hi",
    "tr",
    "zh",
)
KINDS = ("museum", "library", "theatre")
RELATIONS = ("opening", "visitors", "language", "partner", "festival")
FACTS = 4  # two relations of each of a passage's two places
SLOTS = ("CITY", "DATE", "NUMBER", "LANGUAGE", "TERRITORY", "MONTH")
SLOT_TAGS = ("O", *(f"{part}-{slot}" for slot in SLOTS for part in "BI"))
SLOT_OF = dict(zip(RELATIONS, SLOTS[1:], strict=True))
SPLITS = ("train", "dev", "test")
MONTHS = range(3, 10)  # where months are numbered, none of these names is part of another
_DIGITS = {"arab": "٠١٢٣٤٥٦٧٨٩", "beng": "০১২৩৪৫৬৭৮৯"}
UNSPACED = {"zh"}
TOKEN = regex.compile(r"[\p{L}\p{N}\p{M}\u200c\u200d]+(?:['’.-][\p{L}\p{N}\p{M}]+)*|\S")

Piece = tuple[str, str | None]  # text, and the slot that it fills
Value = datetime.date | int | str
"""A date (opening), a number (visitors, festival's month) or a CLDR key (language, partner)."""


class _Forms(BaseModel):
    """How a kind of place is named: as a subject, and as a possessor."""

    model_config = ConfigDict(extra="forbid")
    entity: str
    of: str


class _Wordings(BaseModel):
    """A relation: ways to state it, and ways to ask about it."""

    model_config = ConfigDict(extra="forbid")
    say: tuple[str, str]
    ask: tuple[str, str]


class Templates(BaseModel):
    """One language's file."""

    model_config = ConfigDict(extra="forbid")
    kinds: dict[str, _Forms]
    relations: dict[str, _Wordings]


def read_templates(path: Path) -> Templates:
    """Read and check one language's file.

    Raises:
        InputError: names the file and the key.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        templates = Templates.model_validate(raw)
    except (yaml.YAMLError, OSError, ValidationError) as error:
        raise InputError(f"{path}: not a template file: {error}") from error
    for key, known, found in (
        ("kinds", KINDS, templates.kinds),
        ("relations", RELATIONS, templates.relations),
    ):
        if set(found) != set(known):
            raise InputError(
                f"{path}: {key} has {', '.join(sorted(found)) or 'nothing'}; it needs all of "
                f"{', '.join(known)}, and nothing else"
            )
    for relation, wordings in templates.relations.items():
        for text in (*wordings.say, *wordings.ask):
            names = {name for _, name, _, _ in string.Formatter().parse(text) if name}
            value = {"value"} if text in wordings.say else set()
            if names not in ({"entity"} | value, {"of"} | value):
                raise InputError(
                    f"{path}: relations.{relation}: {text!r} needs "
                    f"{{entity}} or {{of}}{' and {value}' if value else ''}, has {sorted(names)}"
                )
    return templates


@lru_cache(maxsize=32)
def templates_of(language: str) -> Templates:
    return read_templates(Path(__file__).parent / "templates" / f"{language}.yaml")


@dataclass(frozen=True)
class Place:
    """A place: its kind, its city (a time zone's key), and the facts about it."""

    kind: str
    city: str
    values: dict[str, Value]


@dataclass(frozen=True)
class Document:
    """Two places of one kind, the facts that the passage states, and the fact to ask about."""

    places: tuple[Place, Place]
    order: tuple[tuple[int, str, int], ...]  # place, relation, wording: one sentence each
    asked: tuple[int, str, int]


def _city(locale: Locale, zone: str) -> str | None:
    """A zone's exemplar city in a language; English has no entry if the key is the name."""
    name = locale.time_zones.get(zone, {}).get("city")
    latin = locale.language in ("en", "fi", "id", "sw", "de", "es", "fr", "tr")
    return name or (zone.rpartition("/")[2].replace("_", " ") if latin else None)


@lru_cache(maxsize=1)
def _pools() -> dict[str, tuple[str, ...]]:
    """CLDR keys that have a usable name in all languages: cities, territories, languages.

    Names that are part of another name in some language (Niger in Nigeria, Thai in Thailand) are
    left out, because an answer has to occur in its passage exactly once.
    """
    locales = [Locale.parse(code) for code in LANGUAGES]
    english = locales[0]
    # English itself lists only the cities that differ from their zone's key.
    zones = [
        zone
        for zone in sorted(set().union(*(locale.time_zones for locale in locales)))
        if zone.startswith(("Africa/", "America/", "Asia/", "Europe/"))
    ]
    names = {
        f"month:{month}": [
            get_month_names("wide", "stand-alone", locale)[month].casefold() for locale in locales
        ]
        for month in MONTHS
    }
    pools: dict[str, list[str]] = {"territory": [], "language": [], "city": []}
    candidates = (
        [("territory", key) for key in sorted(english.territories) if len(key) == 2 and key < "QO"]
        + [("language", key) for key in sorted(english.languages) if len(key) == 2]
        + [("city", zone) for zone in zones]
    )
    for pool, key in candidates:
        if pool == "city":
            found = [_city(locale, key) for locale in locales]
        else:
            table = "territories" if pool == "territory" else "languages"
            found = [getattr(locale, table).get(key) for locale in locales]
        plain = all(name and regex.fullmatch(r"[\p{L}\p{M} ’'-]{2,24}", name) for name in found)
        folded = [(name or "").casefold() for name in found]
        if plain and not any(_inside(folded, other) for other in names.values()):
            names[f"{pool}:{key}"] = folded
            pools[pool].append(key)
    return {pool: tuple(keys) for pool, keys in pools.items()}


def _inside(these: list[str], those: list[str]) -> bool:
    """Whether one name is part of the other in some language."""
    return any(a in b or b in a for a, b in zip(these, those, strict=True))


@lru_cache(maxsize=8)
def cities_of(seed: int) -> dict[str, tuple[str, ...]]:
    """The cities of each split. No city, and so no fact about its places, is in two splits."""
    cities = list(_pools()["city"])
    random.Random(f"cities {seed}").shuffle(cities)
    third = len(cities) // 5
    return {
        "dev": tuple(cities[:third]),
        "test": tuple(cities[third : 2 * third]),
        "train": tuple(cities[2 * third :]),
    }


def _place(rng: random.Random, kind: str, city: str) -> Place:
    start = datetime.date(1850, 1, 1)
    pools = _pools()
    return Place(
        kind,
        city,
        {
            "opening": start + datetime.timedelta(days=rng.randrange(149 * 365)),
            # No three digits of a year between 1850 and 1998 make such a number.
            "visitors": rng.randrange(201, 850),
            "language": rng.choice(pools["language"]),
            "partner": rng.choice(pools["territory"]),
            "festival": rng.choice(MONTHS),
        },
    )


def draw_document(split: str, index: int, seed: int) -> Document:
    """Document `index` of a split; it does not depend on the size of the split."""
    rng = random.Random(f"document {seed} {split} {index}")
    kind = rng.choice(KINDS)
    first, second = (_place(rng, kind, city) for city in rng.sample(cities_of(seed)[split], 2))
    while any(first.values[relation] == second.values[relation] for relation in RELATIONS):
        second = _place(rng, kind, second.city)
    # A date names a month too: a passage has either dates or festivals.
    dropped = rng.choice(("opening", "festival"))
    told = rng.sample([relation for relation in RELATIONS if relation != dropped], 2)
    order = [(place, relation, rng.randrange(2)) for place in (0, 1) for relation in told]
    rng.shuffle(order)
    return Document(
        (first, second), tuple(order), (rng.randrange(2), rng.choice(told), rng.randrange(2))
    )


def written_value(language: str, relation: str, value: Value) -> str:
    """A value as the language writes it."""
    locale = Locale.parse(language)
    if isinstance(value, str):
        return (locale.languages if relation == "language" else locale.territories)[value]
    if isinstance(value, int) and relation == "festival":
        return get_month_names("wide", context="stand-alone", locale=locale)[value]
    text = str(value) if isinstance(value, int) else format_date(value, "long", locale)
    digits = _DIGITS.get(locale.default_numbering_system)
    return text.translate(str.maketrans("0123456789", digits)) if digits else text


def pieces_of(
    language: str, template: str, place: Place, value: str | None, slot: str
) -> list[Piece]:
    """A template as pieces of text, with those that fill a slot marked. The first letter is a
    capital."""
    forms = templates_of(language).kinds[place.kind]
    template = template.replace("{entity}", forms.entity).replace("{of}", forms.of)
    city = _city(Locale.parse(language), place.city)
    fills: dict[str, Piece] = {"city": (city or "", "CITY"), "value": (value or "", slot)}
    pieces: list[Piece] = []
    for literal, name, _, _ in string.Formatter().parse(template):
        if literal:
            pieces.append((literal, None))
        if name:
            pieces.append(fills[name])
    text, filled = pieces[0]
    return [(upper(text[0], language) + text[1:], filled), *pieces[1:]]


def statement(
    language: str, place: Place, relation: str, wording: int, value: Value | None = None
) -> list[Piece]:
    """A sentence that states a relation, with the place's own value unless another is given."""
    shown = written_value(language, relation, place.values[relation] if value is None else value)
    template = templates_of(language).relations[relation].say[wording]
    return pieces_of(language, template, place, shown, SLOT_OF[relation])


def joined(pieces: list[Piece]) -> str:
    return "".join(text for text, _ in pieces)
