"""The runbooks as a dashboard, so that a link to one leads there wherever Grafana runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.builders import dashboard, text
from grafana_foundation_sdk.models import text as texts

FOLDER: Final = Path(__file__).parents[2] / "grafana" / "runbooks"
UID: Final = "hingewatch-runbooks"


def runbooks() -> Mapping[str, str]:
    """Each runbook's name and Markdown, by name."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.md"))}


def runbook_url(name: str) -> str:
    """Where Grafana shows this runbook. Raises ValueError when there is none of that name."""
    return f"/d/{UID}?viewPanel={list(runbooks()).index(name) + 1}"


def runbooks_dashboard() -> dashboard.Dashboard:
    """One panel for each runbook, in the order of names."""
    page = dashboard.Dashboard("Hingewatch: runbooks").uid(UID).tags(["hingewatch"]).readonly()
    page.description("What to do when an alert rings, or a number looks wrong.").timezone("browser").annotations([])
    for number, (name, markdown) in enumerate(runbooks().items(), 1):
        panel = text.Panel().id(number).title(name).mode(texts.TextMode.MARKDOWN).span(12).height(11)
        page.with_panel(panel.content(_linked(markdown.split("\n", 2)[2])))
    return page


def _linked(markdown: str) -> str:
    for name in runbooks():
        markdown = markdown.replace(f"]({name}.md)", f"]({runbook_url(name)})")
    return markdown
