"""How dashboards look: colours that colour-blind people tell apart, limits, what stands at one number."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard as models

BLUE, SKY, GREEN, ORANGE, VERMILLION, PURPLE = "#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00", "#CC79A7"
GREY: Final = "#8A8A8A"
PALETTE: Final = (BLUE, SKY, GREEN, ORANGE, VERMILLION, PURPLE, GREY)
"""Okabe and Ito (2008), which all kinds of colour vision tell apart, and a grey for what is no finding."""
TECHNIQUES: Final = {"hinge": BLUE, "squat": SKY, "rounded_back": VERMILLION, "unknown": GREY}
RISKS: Final = {"low": BLUE, "medium": ORANGE, "high": VERMILLION}
SHIFTS: Final = {"0": "night 22-6", "1": "early 6-14", "2": "late 14-22"}
WEEKDAYS: Final = {"1": "Mon", "2": "Tue", "3": "Wed", "4": "Thu", "5": "Fri", "6": "Sat", "0": "Sun"}


@dataclass(frozen=True, slots=True)
class Limits:
    """Blue below ``warn``, then orange, vermillion from ``bad`` on. Never the colour alone: the number stands by."""

    warn: float
    bad: float

    def steps(self) -> list[models.Threshold]:
        """As Grafana wants them; the first has no lower end."""
        values = ((None, BLUE), (self.warn, ORANGE), (self.bad, VERMILLION))
        return [models.Threshold(value, colour) for value, colour in values]

    def build(self) -> builders.ThresholdsConfig:
        """As a panel's own."""
        return builders.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(self.steps())

    def override(self) -> dict[str, object]:
        """As one field's."""
        steps = [{"value": step.value, "color": step.color} for step in self.steps()]
        return {"mode": "absolute", "steps": steps}


NOT_TOLD: Final = Limits(0.3, 0.5)
"""From half on TooManyLiftsUnknown rings: shares of the rest may mislead."""
OF_TARGET: Final = Limits(0.8, 1.0)
ANY: Final = Limits(1, 1)
"""Blue at none, vermillion from one on."""


@dataclass(frozen=True, slots=True)
class Field:
    """One query of a panel and how its answer is written.

    ref: the query's name in the panel; ``Quality`` for the flag that says whether to believe the others.
    unit: Grafana's name. limits: colours a number; colour: draws a line or bar.
    """

    ref: str
    name: str
    expr: str
    unit: str = "none"
    decimals: int = 0
    limits: Limits | None = None
    colour: str | None = None
    dashed: bool = False

    def properties(self) -> list[models.DynamicConfigValue]:
        """What is set for this field alone, besides its name."""
        settings: list[tuple[str, object]] = [("unit", self.unit), ("decimals", self.decimals)]
        if self.limits is not None:
            settings += [("thresholds", self.limits.override()), ("color", {"mode": "thresholds"})]
        elif self.colour is not None:
            settings.append(("color", {"mode": "fixed", "fixedColor": self.colour}))
        if self.dashed:
            settings.append(("custom.lineStyle", {"fill": "dash", "dash": [8, 8]}))
        return [models.DynamicConfigValue(name, value) for name, value in settings]


QUALITY: Final = "Quality"


def not_told(expr: str, name: str = "not told") -> Field:
    """The flag of every number that is made of lifts: the share of those whose technique could not be told."""
    return Field(QUALITY, name, expr, "percentunit", limits=NOT_TOLD)


@dataclass(frozen=True, slots=True)
class About:
    """What is said of a panel. reads: how to read it. nothing: what no value means. runbook: what to do."""

    title: str
    reads: str
    nothing: str
    runbook: str
    wide: int = 6
    high: int = 5
    time_from: str | None = None


def mapped(names: Mapping[str, str]) -> models.DynamicConfigValue:
    """Values written as words."""
    options = {value: {"text": name, "index": place} for place, (value, name) in enumerate(names.items())}
    return models.DynamicConfigValue("mappings", [{"type": "value", "options": options}])
