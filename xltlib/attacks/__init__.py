"""Attacks on span QA in any language, built from TextAttack's parts.

Importing this package imports TextAttack, which takes seconds, and corrects its word splitter for
the whole process; see `textattack_patch`.
"""

from xltlib.attacks.textattack_patch import patch_textattack

patch_textattack()

from xltlib.attacks import perturb, recipes, report, static_set  # noqa: E402
from xltlib.attacks.api import attack  # noqa: E402
from xltlib.attacks.engine import attack_examples  # noqa: E402
from xltlib.attacks.ensemble import worst_of  # noqa: E402
from xltlib.attacks.resources import Resources  # noqa: E402

__all__ = [
    "Resources",
    "attack",
    "attack_examples",
    "perturb",
    "recipes",
    "report",
    "static_set",
    "worst_of",
]
