"""From predictions to intervals, tables, figures and what may be said."""
