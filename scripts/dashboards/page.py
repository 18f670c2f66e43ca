"""What all dashboards have in common: variables, links to one another, ids."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as models

from scripts.dashboards.panels import SOURCE, AnyPanel, numbered

UTC_OFFSETS = ",".join(f"UTC{hours:+d} : {hours * 3600}" for hours in range(-11, 15))
Variable = dashboard.QueryVariable | dashboard.CustomVariable | dashboard.DatasourceVariable


def page(
    title: str, uid: str, about: str, variables: Sequence[Variable], parts: Sequence[AnyPanel | str]
) -> dashboard.Dashboard:
    """A dashboard over the last 90 days. parts: panels, and texts that open a row."""
    made = dashboard.Dashboard(f"Hingewatch: {title}").uid(uid).description(about).tags(["hingewatch"]).readonly()
    made.annotations([]).time("now-90d", "now").refresh("5m").timezone("browser").tooltip(
        models.DashboardCursorSync.CROSSHAIR
    )
    source = dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
    for variable in (source, *variables):
        made.with_variable(variable)
    others = dashboard.DashboardLink("Hingewatch").type(models.DashboardLinkType.DASHBOARDS).tags(["hingewatch"])
    made.link(others.as_dropdown(False).include_vars(True))
    numbered([part for part in parts if not isinstance(part, str)])
    for part in parts:
        if isinstance(part, str):
            made.with_row(dashboard.Row(part).id(100 + parts.index(part)))
        else:
            made.with_panel(part)
    return made


def chosen(name: str, label: str, query: str, *, everything: bool) -> dashboard.QueryVariable:
    """A variable whose values are those of a label. everything: it may stand for all of them, and does at first."""
    variable = dashboard.QueryVariable(name).label(label).datasource(SOURCE).query(query)
    variable.refresh(models.VariableRefresh.ON_DASHBOARD_LOAD).sort(models.VariableSort.ALPHABETICAL_ASC)
    if everything:
        variable.include_all(True).all_value(".*").multi(False)
        variable.current(models.VariableOption(text="All", value="$__all"))
    return variable


def clock() -> dashboard.CustomVariable:
    """How far the site's clock is ahead of UTC: Prometheus knows UTC only."""
    variable = dashboard.CustomVariable("utc_offset").label("Clock of hours and shifts").values(UTC_OFFSETS)
    return variable.current(models.VariableOption(text="UTC+1", value="3600"))
