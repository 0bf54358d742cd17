"""From answers to numbers: intervals, models, tables and verdicts. Nothing here draws or speaks."""
