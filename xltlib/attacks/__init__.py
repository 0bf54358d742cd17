"""Attacks on span QA in any language, made of TextAttack's own kinds of parts.

Importing this room imports TextAttack (some seconds) and mends its word splitter: see `gate`.
"""

from xltlib.attacks.gate import open_gate

open_gate()

from xltlib.attacks import perturb, recipes, report, static_set  # noqa: E402
from xltlib.attacks.engine import attack_examples  # noqa: E402
from xltlib.attacks.front_door import attack  # noqa: E402
from xltlib.attacks.tools import Tools  # noqa: E402

__all__ = ["Tools", "attack", "attack_examples", "perturb", "recipes", "report", "static_set"]
