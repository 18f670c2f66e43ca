"""``edge-agent report``: a shift or a week out of Prometheus, as a page that prints and as a table."""

import csv
import io
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from rich.console import Console

from edge_agent.core.counting import Counts
from edge_agent.core.overview import share_text
from edge_agent.core.period import Counted, Down, PeriodReport, Quality, Window, period_report
from edge_agent.errors import InputError, RunError
from edge_agent.history import counted, down
from edge_agent.output import check_writable, write_text
from edge_agent.page import write_page
from edge_agent.period_page import period_page
from edge_agent.prometheus_api import PrometheusApi
from edge_agent.settings import BridgeSettings

MOST: Final = timedelta(days=31, hours=1)
"""The longest month, with the hour that is added when clocks go back. Of more, the hours of a hundred zones are too
much for Prometheus to answer at once."""
SERIES: Final = ("site", "zone", "technique", "risk")


@dataclass(frozen=True, slots=True)
class Wanted:
    """As typed. ``out`` is the page; the table gets the same name with .csv."""

    prometheus: str
    start: str
    end: str
    out: Path

    @property
    def table(self) -> Path:
        """Beside the page."""
        return self.out.with_suffix(".csv")


def write_period_report(wanted: Wanted, settings: BridgeSettings, site: str | None) -> None:
    """site: None is all of them.

    Raises InputError for what was typed, before any work; RunError where Prometheus is silent, or knows nothing.
    """
    window = window_of(wanted.start, wanted.end, ZoneInfo(settings.time_zone), time.time())
    if wanted.out.suffix not in {".html", ".htm"}:
        raise InputError(f"{wanted.out} is not called .html", "the page is HTML; the table is written beside it")
    check_writable((wanted.out, wanted.table))
    api = PrometheusApi(wanted.prometheus)
    report = read_report(api, window, settings.target_risky_share, site)
    write_page(wanted.out, period_page(report, api.name))
    write_text(table_of(report), wanted.table)
    tally = report.counted.tally
    shown = share_text(tally.risky) if tally.enough else "too few for a share"
    console = Console(stderr=True)
    console.print(
        f"{tally.lifts} lifts, {tally.risky.part} risky of {tally.risky.whole} told: {shown}", highlight=False
    )
    for path in (wanted.out, wanted.table):
        console.print(f"wrote {path}", markup=False, highlight=False)


def window_of(start: str, end: str, zone: ZoneInfo, now_s: float) -> Window:
    """Read two times; without an offset they are in ``zone``. Raises InputError."""
    window = Window(_moment(start, "--from", zone), _moment(end, "--to", zone))
    from_s, to_s = window.start.timestamp(), window.end.timestamp()
    if from_s >= to_s:
        raise InputError(f"--from {start} is not before --to {end}", "the other way round?")
    if to_s > now_s:
        raise InputError(f"--to {end} is still to come", "report what is over: a shift or a week that has ended")
    if to_s - from_s > MOST.total_seconds():
        raise InputError(f"more than {MOST.days} days", "report a month at most at a time")
    return window


def _moment(text: str, option: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)
    except (ValueError, OverflowError):
        raise InputError(f"{option} {text} is no time", "write 2026-11-23, or 2026-11-23T06:00") from None


def read_report(api: PrometheusApi, window: Window, target: float, site: str | None) -> PeriodReport:
    """Ask Prometheus for the window, the one before and the same a week ago. Raises RunError."""
    here = "" if site is None else f'{{site="{site}"}}'
    lifts = Counted(window, _lifts(api, here, window))
    if not lifts.series:
        raise _nothing(api, window, site)
    before = Counted(window.before, _lifts(api, here, window.before))
    same = window.before == window.week_ago
    week_ago = before if same else Counted(window.week_ago, _lifts(api, here, window.week_ago))
    return period_report(lifts, before, week_ago, target, _quality(api, here, window))


def table_of(report: PeriodReport) -> str:
    """CSV: a line for each hour, zone, technique and risk with a lift, of each of the periods."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("period", "hour_start", *SERIES, "lifts"))
    writer.writerows(_lines("this", report.counted))
    writer.writerows(_lines("before", report.before))
    if report.week_ago is not report.before:
        writer.writerows(_lines("week_ago", report.week_ago))
    return text.getvalue()


def _lines(period: str, of: Counted) -> Iterator[tuple[object, ...]]:
    for hour, start in enumerate(of.window.edges[:-1]):
        for name, counts in sorted(of.series.items()):
            if counts.hours[hour]:
                yield period, start.isoformat(timespec="minutes"), *name, counts.hours[hour]


def _lifts(api: PrometheusApi, here: str, window: Window) -> Mapping[tuple[str, str, str, str], Counts]:
    found = counted(api, f"ergo_lifts_total{here}", SERIES, window)
    return {(name[0], name[1], name[2], name[3]): counts for name, counts in found.items()}


def _nothing(api: PrometheusApi, window: Window, site: str | None) -> RunError:
    between = f"between {window.start:%Y-%m-%d %H:%M} and {window.end:%Y-%m-%d %H:%M} ({window.start.tzinfo})"
    if site is not None:
        others = sorted({name[0] for name in _lifts(api, "", window)})
        if others:
            return RunError(
                f"{api.name} has no lifts of site {site} {between}, but of {', '.join(others)}",
                "check the site's name in the settings, or leave --config out for all sites",
            )
    return RunError(
        f"{api.name} has no lifts {between}",
        "check the times, that it reads the bridge's page, and that it keeps data for so long "
        "(--storage.tsdb.retention.time)",
    )


def _quality(api: PrometheusApi, here: str, window: Window) -> Quality:
    bridges = down(api, "max(ergo_bridge_connected)", (), window)
    camera = ("instance", "camera")
    return Quality(
        bridge=bridges[0] if bridges else Down((), 0.0, window.end.timestamp() - window.start.timestamp()),
        agents=down(api, f"max by (site, agent) (ergo_agent_up{here})", ("site", "agent"), window) or None,
        cameras=down(api, f"edge_agent_camera_up{here}", camera, window) or None,
        blind_s=_sums(counted(api, f"edge_agent_camera_blind_seconds_total{here}", camera, window)),
        reasons=_by_last(counted(api, f"edge_agent_lifts_unknown_total{here}", ("instance", "reason"), window)),
        given_up=_by_last(
            counted(api, f"edge_agent_outbox_dropped_events_total{here}", ("instance", "risk"), window)
        ),
        refused=_by_last(counted(api, "ergo_bridge_rejected_messages_total", ("instance", "reason"), window)),
    )


def _sums(found: Mapping[tuple[str, ...], Counts]) -> Mapping[tuple[str, ...], int] | None:
    return {name: sum(counts.hours) for name, counts in found.items()} or None


def _by_last(found: Mapping[tuple[str, ...], Counts]) -> Mapping[str, int] | None:
    """By the last label, of all instances together. None: there is no such series."""
    sums: dict[str, int] = {}
    for name, counts in found.items():
        sums[name[-1]] = sums.get(name[-1], 0) + sum(counts.hours)
    return sums or None
