"""The LaTeX of a paper: its tables, its numbers, and a minimal article that includes everything."""

from __future__ import annotations

import jinja2

from xltlib.reporting import latex, macros
from xltlib.reporting.document import Figure, Paper, Table
from xltlib.reporting.style import MAX_WIDTH


def table(one: Table) -> str:
    """A table captioned with its title and the origin of its numbers."""
    return latex.table(one.frame, caption=f"{one.title} ({one.about}).", label=f"tab:{one.name}")


def _figure(one: Figure) -> dict[str, str]:
    return {"name": one.name, "caption": latex.escape(f"{one.title} ({one.about}).")}


def article(paper: Paper) -> str:
    """A document that quotes every sentence and shows every table and figure."""
    # LaTeX uses braces itself.
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("xltlib", "reporting"),
        autoescape=False,
        undefined=jinja2.StrictUndefined,
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    own = iter(macros.names(paper.quotes))
    front = [macros.prose(quote, next(own)) for quote in paper.front.said]
    sections = [
        {
            "title": latex.escape(section.title),
            "prose": [
                (latex.escape(f"{quote.about}: ") if quote.about else "")
                + macros.prose(quote, next(own))
                for quote in (*section.quotes, *section.quotes_in_tables)
            ],
            "tables": [one.name for one in section.tables],
            "figures": [_figure(one) for one in section.figures],
        }
        for section in paper.sections
    ]
    return environment.get_template("article.tex.j2").render(
        title=latex.escape(f"Study output, profile {paper.about.profile}"),
        about=latex.escape(str(paper.about)),
        question=latex.escape(paper.front.question),
        front=front,
        opening=[_figure(one) for one in paper.front.figures],
        packages=latex.PACKAGES,
        width=MAX_WIDTH,
        sections=sections,
    )
