"""Tables of figures inside a page: conditions down, figures across."""

from collections.abc import Iterable, Sequence
from html import escape

from edge_agent.charts import whisker
from edge_agent.core.figures import Share
from edge_agent.evaluation import percent


def section(heading: str, *parts: str) -> str:
    """HTML parts under an HTML heading."""
    return "\n".join(("<section>", f"<h2>{heading}</h2>", *parts, "</section>"))


def table(columns: Sequence[str], rows: str) -> str:
    """A table with an unnamed column first; ``columns`` are HTML."""
    heads = "".join(f'<th scope="col" class="number">{column}</th>' for column in columns)
    return f"""<div class="sheet"><table class="groups">
<thead><tr><th scope="col"></th>{heads}</tr></thead>
<tbody>{rows}</tbody>
</table></div>"""


def row(name: str, cells: Iterable[str]) -> str:
    """``name`` is plain text, ``cells`` are HTML."""
    drawn = "".join(f'<td class="number">{cell}</td>' for cell in cells)
    return f'<tr><th scope="row">{escape(name)}</th>{drawn}</tr>\n'


def whiskered(share: Share) -> str:
    """With its interval drawn."""
    return f"{plain(share)}{whisker(share)}"


def plain(share: Share) -> str:
    """With its counts."""
    return "–" if share.value is None else f"{percent(share.value)}<small> {share.part}/{share.whole}</small>"
