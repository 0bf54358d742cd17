"""Reading YAML: plain types only, no duplicate keys, and limits on size and depth.

Every problem is an `InputError`, as in `xltlib.text_files`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from xltlib.text_files import InputError, read_text, refuse_half_pairs, shown, shown_path

MOST_YAML_BYTES = 2**20
MOST_YAML_DEPTH = 50
MOST_YAML_NODES = 100_000


class _Loader(yaml.CSafeLoader):
    """Safe types, with the decimal numbers of YAML 1.2.

    In YAML 1.1, 1e-4 is a text, and 010, 1:30 and 1_0 are numbers that few people mean; here they
    are texts, which no number's key takes.
    """


_INT, _FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
_PARSED = {_INT, _FLOAT, *(f"tag:yaml.org,2002:{kind}" for kind in ("bool", "timestamp", "binary"))}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in known if tag not in (_INT, _FLOAT)]
    for first, known in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_INT, re.compile(r"[-+]?(0|[1-9]\d*)$", re.ASCII), [*"-+0123456789"])
_Loader.add_implicit_resolver(
    _FLOAT,
    re.compile(
        r"[-+]?(\d+\.\d*|\.\d+|\d+(?=[eE]))([eE][-+]?\d+)?$|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$",
        re.ASCII,
    ),
    [*"-+.0123456789"],
)


def read_yaml(path: Path | str) -> Any:
    """The value in a YAML file, made of plain types only.

    Raises:
        InputError: cannot be opened, is not valid YAML, has a duplicate key, or is too large or too
            deep (with aliases expanded).
    """
    return parse_yaml(read_text(path, MOST_YAML_BYTES), shown_path(path))


def parse_yaml(text: str, where: str) -> Any:
    """The value of a YAML text; raises as `read_yaml` does."""
    try:
        _refuse_deep_yaml(text, where)
        node = yaml.compose(text, Loader=_Loader)
        if node is None:
            return None
        loader = yaml.SafeLoader("")
        _size(node, where, loader, {})
        value = loader.construct_document(node)
    except (yaml.YAMLError, ValueError, OverflowError, TypeError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        problem = getattr(error, "problem", None) or str(error)
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise InputError(f"{where}: not valid YAML: {place}{problem[:200]}") from error
    refuse_half_pairs(value, where)
    return value


def _refuse_deep_yaml(text: str, where: str) -> None:
    """Refuse nesting that is too deep for the recursive steps that follow."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MOST_YAML_DEPTH:
            raise InputError(
                f"{where}: nested more than {MOST_YAML_DEPTH} levels deep. Flatten it."
            )


def _size(
    node: yaml.Node, where: str, loader: yaml.SafeLoader, known: dict[int, int | None]
) -> int:
    """The number of nodes below a node, aliases expanded; refuses too many, duplicate keys, and
    impossible values, such as the date 2020-99-99.

    `known` maps the `id` of a node to its size, None while it is being counted.
    """
    line = node.start_mark.line + 1
    if id(node) in known:
        size = known[id(node)]
        if size is None:
            raise InputError(f"{where}: line {line} has an alias to itself. Write the value out.")
        return size
    known[id(node)] = None
    size = 1
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if (key.tag, key.value) in seen:
                    raise InputError(
                        f"{where}: line {key.start_mark.line + 1} repeats the key "
                        f"{shown(key.value)}. Keep one of them."
                    )
                seen.add((key.tag, key.value))
            size += sum(_size(item, where, loader, known) for item in (key, value))
    elif isinstance(node, yaml.SequenceNode):
        size += sum(_size(item, where, loader, known) for item in node.value)
    elif node.tag in _PARSED:
        try:
            loader.construct_object(node)
        except (ValueError, TypeError, OverflowError, KeyError) as error:
            kind = node.tag.rpartition(":")[2]
            raise InputError(
                f"{where}: not valid YAML: line {line}: {shown(node.value)} is not a possible "
                f"{kind}. Correct it, or put a text in quotes."
            ) from error
    if size > MOST_YAML_NODES:
        raise InputError(
            f"{where}: line {line} expands to more than {MOST_YAML_NODES:,} values. Make it "
            "smaller."
        )
    known[id(node)] = size
    return size
