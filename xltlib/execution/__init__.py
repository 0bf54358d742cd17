"""How a run is carried out: cells executed as notebooks, warm processes, locks, progress.

Importing this package is cheap; the process that executes a cell imports what it needs.
"""
