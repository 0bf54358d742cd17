"""From answers to numbers: intervals, models, tables and verdicts, without figures or sentences."""
