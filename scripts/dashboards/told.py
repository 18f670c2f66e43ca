"""What a panel's answers say, as Grafana would write it: fields, columns and words. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scripts.dashboards.ask import Series

Answers = Mapping[str, Sequence[Series]]
"""By a query's name."""
PLAIN: Final = "#222222"


@dataclass(frozen=True, slots=True)
class Style:
    """How one field is written and drawn, from the panel's defaults and the field's overrides."""

    name: str
    settings: Mapping[str, Any]

    def words(self, value: float) -> str:
        """A number with its unit, or the words that stand for it."""
        for mapping in self.settings.get("mappings", []):
            told = mapping["options"].get(f"{value:g}")
            if told:
                return str(told["text"])
        return written(value, self.settings.get("unit", "none"), int(self.settings.get("decimals", 0)))

    def colour(self, value: float) -> str:
        """By limits where there are any."""
        colour = self.settings.get("color", {})
        if colour.get("mode") != "thresholds":
            return str(colour.get("fixedColor", PLAIN)).replace("text", PLAIN)
        steps = self.settings["thresholds"]["steps"]
        return str(next(step["color"] for step in reversed(steps) if step["value"] is None or value >= step["value"]))


def written(value: float, unit: str, decimals: int) -> str:
    """As Grafana writes it."""
    if unit == "percentunit":
        return f"{100 * value:.{decimals}f} %"
    if unit == "bool_yes_no":
        return "yes" if value else "no"
    if unit == "s":
        return _duration(value)
    return f"{value:.{decimals}f}"


def _duration(seconds: float) -> str:
    for size, name in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        if abs(seconds) >= size:
            return f"{seconds / size:.3g} {name}"
    return f"{1000 * seconds:.3g} ms" if seconds else "0 s"


def style(panel: Mapping[str, Any], ref: str, name: str) -> Style:
    """Defaults, then what is set for this query, then what is set for a field of this name."""
    config = panel["fieldConfig"]
    settings = dict(config["defaults"])
    settings |= {f"custom.{key}": value for key, value in settings.pop("custom", {}).items()}
    for override in config["overrides"]:
        matcher = override["matcher"]
        if matcher in ({"id": "byFrameRefID", "options": ref}, {"id": "byName", "options": name}):
            settings |= {one["id"]: one.get("value") for one in override["properties"]}
    return Style(name, settings)


def fields(panel: Mapping[str, Any], answers: Answers) -> Iterator[tuple[Style, Series]]:
    """Each series of a panel with its style; a legend's ``{{label}}`` is filled in."""
    for target in panel["targets"]:
        for series in answers[target["refId"]]:
            name = target.get("legendFormat", "")
            for label, value in series.labels.items():
                name = name.replace(f"{{{{{label}}}}}", value)
            yield style(panel, target["refId"], name), series


@dataclass(frozen=True, slots=True)
class Table:
    """columns: names; rows: words and colours, a row for each set of labels."""

    columns: Sequence[str]
    rows: Sequence[Sequence[tuple[str, str]]]


def table(panel: Mapping[str, Any], answers: Answers) -> Table:
    """Merged and ordered as the panel's transformations say, greatest first by the column that it is sorted by."""
    names, order = _names(panel)
    refs = [target["refId"] for target in panel["targets"]]
    labels = [label for label in order if not label.startswith("Value #")]
    found: dict[tuple[str, ...], dict[str, float]] = {}
    for ref in refs:
        for series in answers[ref]:
            _merge(found, tuple(series.labels.get(label, "") for label in labels), ref, series.points[-1][1])
    first = refs[0]
    ordered = sorted(found.items(), key=lambda row: row[1].get(first, float("-inf")), reverse=True)
    styles = {ref: style(panel, ref, names[f"Value #{ref}"]) for ref in refs}
    rows = [
        [
            *((_label(panel, label, value), PLAIN) for label, value in zip(labels, key, strict=True)),
            *(_cell(styles[ref], values.get(ref)) for ref in refs),
        ]
        for key, values in ordered
    ]
    return Table([names[label] for label in labels] + [styles[ref].name for ref in refs], rows)


def _merge(found: dict[tuple[str, ...], dict[str, float]], key: tuple[str, ...], ref: str, value: float) -> None:
    """Rows that differ only in labels that one of them lacks are one row, as Grafana's ``merge`` makes them."""
    same = [other for other in found if all(a == b or not a or not b for a, b in zip(key, other, strict=True))]
    values: dict[str, float] = {}
    for other in same:
        key = tuple(mine or theirs for mine, theirs in zip(key, other, strict=True))
        values |= found.pop(other)
    found[key] = values | {ref: value}


def _label(panel: Mapping[str, Any], label: str, value: str) -> str:
    for mapping in style(panel, "", label).settings.get("mappings", []):
        told = mapping["options"].get(value)
        if told:
            return str(told["text"])
    return value


def _cell(told: Style, value: float | None) -> tuple[str, str]:
    return ("", PLAIN) if value is None else (told.words(value), told.colour(value))


def matrix(panel: Mapping[str, Any], answers: Answers) -> tuple[list[str], list[list[float | None]]]:
    """The columns' names and 24 rows of values, from a panel that groups to a matrix."""
    names, order = _names(panel)
    columns = [weekday for weekday in order if weekday.isdigit()]
    (ref,) = answers
    values = {(one.labels["hour"], one.labels["weekday"]): one.points[-1][1] for one in answers[ref]}
    rows = [[values.get((str(hour), weekday)) for weekday in columns] for hour in range(24)]
    return [names[weekday] for weekday in columns], rows


def is_matrix(panel: Mapping[str, Any]) -> bool:
    """Whether a table is one of hours and weekdays."""
    return any(step["id"] == "groupingToMatrix" for step in panel.get("transformations", []))


def _names(panel: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """What fields are called, and in which order they stand."""
    options = _step(panel, "organize")
    return options["renameByName"], sorted(options["indexByName"], key=options["indexByName"].__getitem__)


def _step(panel: Mapping[str, Any], name: str) -> dict[str, Any]:
    (options,) = (step["options"] for step in panel["transformations"] if step["id"] == name)
    return dict(options)
