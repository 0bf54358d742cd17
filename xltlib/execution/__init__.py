"""How a run is carried out: cells executed as notebooks, warm processes, locks, progress.

Importing this package costs nothing; the process that executes a cell brings in what it needs.
"""
