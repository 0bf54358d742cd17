"""From answers to numbers: intervals, models, tables and verdicts, but no figures or sentences."""
