"""Presentation of the numbers: style, figures, findings in words, tables, LaTeX and the report."""
