"""The questions that dashboards ask, as PromQL text. Pure.

What looks back over days adds up quarters of an hour (``grafana/rules/history.yml``). A share of fewer than 30 told
lifts is never shown, and every share comes with its 95 % interval, as in ``grafana/rules/lifts.yml``.
"""

from dataclasses import dataclass
from typing import Final, Literal

MIN_TOLD: Final = 30
"""Fewer lifts give no share: its interval would span a third of the scale and more."""
_Z: Final = 1.96
"""Standard normal deviate of a two-sided 95 % interval, as in the rules."""
A_DAY: Final = "[1d] offset -1d"
"""The day that begins at a point of a trend, so that Monday's lifts stand at Monday; of today, what there is."""
CLOCK: Final = "vector(time() - 1800 + $utc_offset)"
"""The middle of the hour that ends now, on the site's clock: ``utc_offset`` is a dashboard's variable, in seconds."""
HOUR: Final = f'count_values("hour", hour({CLOCK}))'
WEEKDAY: Final = f'count_values("weekday", day_of_week({CLOCK}))'
SHIFT: Final = f'count_values("shift", floor((hour({CLOCK}) + 2) % 24 / 8))'
"""0: night, 22 to 6; 1: early, 6 to 14; 2: late, 14 to 22."""

Kind = Literal["all", "told", "risky"]


def how_many(of: str, condition: str) -> str:
    """How many series of ``of`` are so (``== 0``). Of none at all: no number, for nothing was looked at."""
    return f"count({of} {condition}) or 0 * count({of})"


def blind_share(selector: str, window: str) -> str:
    """Of the time of all cameras, how much passed without a picture, 0…1. window: in brackets."""
    blind = f"site:edge_agent_camera_blind_seconds:increase15m{{{selector}}}{window}"
    watched = f"site:edge_agent_camera_blind_seconds:count15m{{{selector}}}{window}"
    return f"sum(sum_over_time({blind})) / (900 * sum(sum_over_time({watched})))"


@dataclass(frozen=True, slots=True)
class Share:
    """Risky lifts of told ones; ``risky`` and ``told`` are expressions with the same labels."""

    risky: str
    told: str

    @property
    def value(self) -> str:
        """0…1; nothing below MIN_TOLD."""
        return f"{self.risky} / ({self.told} >= {MIN_TOLD})"

    @property
    def lower(self) -> str:
        """The lower end of Wilson's interval."""
        return self._end("-")

    @property
    def upper(self) -> str:
        """The upper end of Wilson's interval."""
        return self._end("+")

    def _end(self, sign: str) -> str:
        part, whole = self.risky, f"({self.told} >= {MIN_TOLD})"
        root = f"sqrt({part} - {part} * {part} / {whole} + {_Z**2 / 4:.4f})"
        return f"({part} + {_Z**2 / 2:.4f} {sign} {_Z} * {root}) / ({whole} + {_Z**2:.4f})"


@dataclass(frozen=True, slots=True)
class Change:
    """From one share to a later one, with Newcombe's interval of a difference (1998, method 10)."""

    before: Share
    after: Share

    @property
    def value(self) -> str:
        """+0.1: ten lifts in a hundred more are risky."""
        return f"({self.after.value}) - ({self.before.value})"

    @property
    def lower(self) -> str:
        """The lower end of the interval; above 0 it got worse."""
        return f"{self.value} - sqrt({_square(self.after, 'lower')} + {_square(self.before, 'upper')})"

    @property
    def upper(self) -> str:
        """The upper end of the interval; below 0 it got better."""
        return f"{self.value} + sqrt({_square(self.after, 'upper')} + {_square(self.before, 'lower')})"


def _square(share: Share, end: Literal["lower", "upper"]) -> str:
    return f"(({share.value}) - ({getattr(share, end)})) ^ 2"


@dataclass(frozen=True, slots=True)
class Place:
    """The lifts of one level of the recorded series. level: ``site`` or ``site_zone``; selector: as in braces."""

    level: Literal["site", "site_zone"]
    selector: str

    def lifts(self, kind: Kind, window: str, by: str = "", ago: str = "") -> str:
        """How many within ``window``; by: labels that stay. ago: of a window that ended then (-1d: will end)."""
        grouped = f"sum by ({by}) " if by else "sum"
        return f"{grouped}(sum_over_time({self._series(kind)}[{window}]{f' offset {ago}' if ago else ''}))"

    def share(self, window: str, by: str = "", ago: str = "") -> Share:
        """The risky ones of the told ones."""
        return Share(self.lifts("risky", window, by, ago), self.lifts("told", window, by, ago))

    def unknown(self, window: str, by: str = "") -> str:
        """The share of lifts that could not be told, 0…1: the flag beside every number."""
        return f"1 - {self.lifts('told', window, by)} / ({self.lifts('all', window, by)} > 0)"

    def days_unknown(self) -> str:
        """As ``unknown``, day by day; of MIN_TOLD lifts at least."""
        told, lifts = (self.lifts(kind, "1d", ago="-1d") for kind in ("told", "all"))
        return f"1 - {told} / ({lifts} >= {MIN_TOLD})"

    def days_share(self) -> Share:
        """As ``share``, day by day."""
        return self.share("1d", ago="-1d")

    def clocked(self, kind: Kind, clocks: str, by: str) -> str:
        """How many in the last 28 days, by what ``clocks`` calls each hour."""
        hour = f"sum(sum_over_time({self._series(kind)}[1h]))"
        return f"sum by ({by}) (sum_over_time(({clocks} * on () group_left () {hour})[28d:1h]))"

    def clocked_share(self, clocks: str, by: str) -> Share:
        """The risky ones of the told ones, by what ``clocks`` calls each hour."""
        return Share(self.clocked("risky", clocks, by), self.clocked("told", clocks, by))

    def clocked_unknown(self, clocks: str, by: str) -> str:
        """The share of lifts that could not be told, by what ``clocks`` calls each hour; of MIN_TOLD at least."""
        return f"1 - {self.clocked('told', clocks, by)} / ({self.clocked('all', clocks, by)} >= {MIN_TOLD})"

    def _series(self, kind: Kind) -> str:
        return f"{self.level}:ergo_lifts{'' if kind == 'all' else f'_{kind}'}:increase15m{{{self.selector}}}"


HOUR_OF_WEEK: Final = f"({HOUR} * on () group_left (weekday) {WEEKDAY})"


def before_and_after(selector: str, by: str) -> Change:
    """The 28 days before the change that ``targets.yml`` names, and the last 28 days."""
    before = [f"sum by ({by}) (site_zone:ergo_lifts_{kind}:baseline28d{{{selector}}})" for kind in ("risky", "told")]
    after = [
        f"sum by ({by}) (last_over_time(site_zone:ergo_lifts_{kind}:sum28d{{{selector}}}[30m]))"
        for kind in ("risky", "told")
    ]
    return Change(Share(*before), Share(*after))
