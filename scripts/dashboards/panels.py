"""The kinds of panels that dashboards are made of. Each ends in a ``Quality`` query: whether to believe it."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, table, text, timeseries
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import prometheus as queries
from grafana_foundation_sdk.models import text as texts

from scripts.dashboards.look import GREY, WEEKDAYS, About, Field
from scripts.dashboards.runbooks import runbook_url

SOURCE: Final = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
Panel = TypeVar("Panel", stat.Panel, table.Panel, timeseries.Panel)


def number(about: About, fields: Sequence[Field], quality: Field) -> stat.Panel:
    """Numbers side by side, the last of them the quality flag. All are instant queries."""
    panel = _about(stat.Panel(), about).color_mode(shapes.BigValueColorMode.VALUE)
    panel.graph_mode(shapes.BigValueGraphMode.NONE).text_mode(shapes.BigValueTextMode.VALUE_AND_NAME)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.FIXED).fixed_color("text"))
    for field in (*fields, quality):
        panel.with_target(_query(field).instant().legend_format(field.name))
        panel.override_by_query(field.ref, field.properties())
    return panel


def rows(about: About, labels: Mapping[str, str], fields: Sequence[Field], quality: Field) -> table.Panel:
    """A table, a row for each set of ``labels`` (label to heading), sorted by the first field, greatest first."""
    panel = _about(table.Panel(), about)
    everything = [*fields, quality]
    for field in everything:
        panel.with_target(_query(field).instant().format(queries.PromQueryFormat.TABLE))
        panel.override_by_name(field.name, [*field.properties(), *_cell(field)])
    names = {f"Value #{field.ref}": field.name for field in everything} | dict(labels)
    order = {name: place for place, name in enumerate([*labels, *(f"Value #{field.ref}" for field in everything)])}
    hidden = {"Time": True}
    panel.transformations(
        [
            models.DataTransformerConfig("merge", options={}),
            models.DataTransformerConfig(
                "organize", options={"excludeByName": hidden, "renameByName": names, "indexByName": order}
            ),
        ]
    )
    return panel.sort_by([common.TableSortByFieldState().display_name(fields[0].name).desc(True)])


def _cell(field: Field) -> list[models.DynamicConfigValue]:
    if field.limits is None:
        return []
    return _values({"custom.cellOptions": {"type": "color-text"}})


def by_day(about: About, fields: Sequence[Field], quality: Field) -> timeseries.Panel:
    """Lines, one point a day. A field named ``to`` and one named ``from`` are drawn as the band between them."""
    panel = _days(about, fields, quality)
    panel.show_points(shapes.VisibilityMode.ALWAYS).line_width(2).min(0)
    for name, field in {field.name: field for field in fields}.items():
        if name == "to":
            band = {"custom.fillBelowTo": "from", "custom.fillOpacity": 20, "custom.lineWidth": 0}
            panel.override_by_query(field.ref, _values(band))
        if name == "from":
            panel.override_by_query(field.ref, _values({"custom.lineWidth": 0}))
    return panel


def stacked_by_day(about: About, fields: Sequence[Field], quality: Field) -> timeseries.Panel:
    """Bars, one a day, upon one another; the quality flag is a line."""
    panel = _days(about, fields, quality)
    panel.draw_style(shapes.GraphDrawStyle.BARS).fill_opacity(90).line_width(1)
    panel.stacking(common.StackingConfig().mode(shapes.StackingMode.NORMAL).group("A"))
    line = {"custom.drawStyle": "line", "custom.stacking": {"mode": "none"}, "custom.fillOpacity": 0}
    return panel.override_by_query(quality.ref, _values(line))


def _days(about: About, fields: Sequence[Field], quality: Field) -> timeseries.Panel:
    """The flag is grey, and has an axis of its own where the other fields have another unit."""
    grey = replace(quality, limits=None, colour=GREY)
    panel = _about(timeseries.Panel(), about).interval("1d").span_nulls(False)
    panel.tooltip(common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.MULTI))
    panel.legend(common.VizLegendOptions().placement(shapes.LegendPlacement.BOTTOM).show_legend(True))
    for field in (*fields, grey):
        panel.with_target(_query(field).range().legend_format(field.name))
        panel.override_by_query(field.ref, field.properties())
    if grey.unit != fields[0].unit:
        panel.override_by_query(grey.ref, _values({"custom.axisPlacement": "right", "min": 0, "max": 1}))
    return panel


def _values(settings: Mapping[str, object]) -> list[models.DynamicConfigValue]:
    return [models.DynamicConfigValue(name, value) for name, value in settings.items()]


def hours(about: About, field: Field) -> table.Panel:
    """A table of hours (rows) and weekdays (columns); without limits its cells are shaded, the darker the more."""
    panel = _about(table.Panel(), about).unit(field.unit).decimals(field.decimals)
    panel.with_target(_query(field).instant().format(queries.PromQueryFormat.TABLE))
    if field.limits is not None:
        panel.thresholds(field.limits.build()).cell_options(shapes.TableColorTextCellOptions())
        panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
    else:
        panel.cell_options(shapes.TableColoredBackgroundCellOptions(shapes.TableCellBackgroundDisplayMode.BASIC))
        panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.CONTINUOUS_BLUES)).min(0)
    plain = {"unit": "none", "decimals": 0, "custom.cellOptions": {"type": "auto"}, "custom.width": 60}
    panel.override_by_name("hour", _values(plain))
    return panel.transformations(
        [models.DataTransformerConfig(name, options=options) for name, options in _hours_as_rows()]
    )


def _hours_as_rows() -> list[tuple[str, object]]:
    """From one row for each hour of the week to one for each hour of the day, on which weekdays are columns."""
    corner = "hour\\weekday"
    order = {name: place for place, name in enumerate([corner, *WEEKDAYS])}
    return [
        ("convertFieldType", {"conversions": [{"targetField": "hour", "destinationType": "number"}]}),
        ("sortBy", {"sort": [{"field": "hour"}]}),
        (
            "groupingToMatrix",
            {"columnField": "weekday", "rowField": "hour", "valueField": "Value", "emptyValue": "null"},
        ),
        ("organize", {"indexByName": order, "renameByName": {corner: "hour"} | WEEKDAYS}),
    ]


def words(title: str, markdown: str, wide: int = 24, high: int = 3) -> text.Panel:
    """Text that stands on the dashboard."""
    return text.Panel().title(title).mode(texts.TextMode.MARKDOWN).content(markdown).span(wide).height(high)


def _about(panel: Panel, about: About) -> Panel:
    panel.title(about.title).description(about.reads).no_value(about.nothing).datasource(SOURCE)
    panel.span(about.wide).height(about.high)
    link = dashboard.DashboardLink(f"What to do: {about.runbook}").type(models.DashboardLinkType.LINK)
    panel.links([link.url(runbook_url(about.runbook)).target_blank(True)])
    if about.time_from is not None:
        panel.time_from(about.time_from)
    return panel


def _query(field: Field) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(field.expr).ref_id(field.ref).datasource(SOURCE)


AnyPanel = stat.Panel | table.Panel | timeseries.Panel | text.Panel


def numbered(panels: Sequence[AnyPanel]) -> list[AnyPanel]:
    """Each with an id, so that links to it hold."""
    for panel, number_ in zip(panels, itertools.count(1), strict=False):
        panel.id(number_)
    return list(panels)
