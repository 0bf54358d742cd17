"""The study: the cells of its grid, and what each stage reads and writes.

Importing this package is cheap: only a stage's own module, such as `xltlib.study.target`, imports
heavy libraries.
"""

from xltlib.study.cell import Cell
from xltlib.study.grid import Grid, open_cell
from xltlib.study.stages import STAGES, Stage

__all__ = ["STAGES", "Cell", "Grid", "Stage", "open_cell"]
