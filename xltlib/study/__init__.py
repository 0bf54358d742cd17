"""The study: the cells of its grid, and what each stage reads and writes.

Importing this room is cheap; a stage's module (`xltlib.study.target`, say) brings in what it needs.
"""

from xltlib.study.grid import STAGES, Cell, Grid, Stage, open_cell

__all__ = ["STAGES", "Cell", "Grid", "Stage", "open_cell"]
