"""A period's report as a page that prints well: numbers with intervals, against the time before, and their data."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from html import escape
from typing import Final

from edge_agent.core.change import Change
from edge_agent.core.overview import Heat, share_text
from edge_agent.core.period import Counted, Down, PeriodReport, Quality, ZoneReport, span
from edge_agent.core.quality import Flag
from edge_agent.core.records import TECHNIQUES
from edge_agent.core.tally import MIN_TOLD, Tally
from edge_agent.overview_html import VERDICTS, flag_mark, heat_table, section
from edge_agent.overview_plots import WEEKDAYS, Column, mix_bar, scale_top, target_bar, trend_plot
from edge_agent.page import LABELS, Page

_DAY_S: Final = 86_400
_KEY: Final = """<figcaption class="key"><span class="badge risky">risky</span>
<span class="badge other">other told</span>
<span class="badge unknown">unknown</span><span class="badge dashed">target</span>{note}</figcaption>"""
_RING: Final = "<span>Ring: a day of which the period holds a part.</span>"


def period_page(report: PeriodReport, source: str) -> Page:
    """source: where the figures come from, plain text."""
    counted = report.counted
    sites = ", ".join(sorted({zone.site for zone in report.zones}))
    parts = (
        section("all", "All zones together", _headline(report)),
        section("changes", "Against the time before", _changes(report)),
        section("course", "Through the days" if _long(counted) else "Through the hours", _course(report)),
        *([section("hours", "Risky lifts by hour", _heat(counted))] if _long(counted) else []),
        section("zones", "Zones", _zones(report)),
        section("quality", "How good the data is", _quality(report)),
    )
    return Page(
        title=f"Lifts at {sites}, {_span(counted)}",
        eyebrow="Hingewatch report",
        heading=f"Lifts at {sites}",
        facts=f"{escape(_span(counted))} ({escape(str(counted.window.start.tzinfo))}) · from {escape(source)}",
        main="\n".join(parts),
        footer=_FOOTER,
        styles=("report.css", "figures.css", "period.css"),
    )


_FOOTER: Final = f"""<p><b>Risky</b>: posture exposure “high” (a rounded back bent far), of lifts whose technique
could be told; not injury risk, for what is lifted is not seen. Intervals are 95 %: Wilson's for shares, Newcombe's
for their differences. Below {MIN_TOLD} told lifts no share is shown. A lift stands in the hour in which Prometheus
first read of it: minutes after it happened, later after an outage.</p>
<p>These are counts of places and their work, never of people.</p>"""


def _headline(report: PeriodReport) -> str:
    tally = report.counted.tally
    share = tally.risky
    enough = tally.enough and share.value is not None
    big = (
        f"<b>{100 * (share.value or 0):.0f} %</b> <span>risky</span>"
        if enough
        else f"<b>{share.part}</b> <span>risky</span>"
    )
    bar = target_bar(share, report.target, scale_top([tally], report.target)) if enough else ""
    counts = (
        ("risky", share.part),
        ("told", share.whole),
        ("unknown", tally.unknown.part),
        ("lifts in all", tally.lifts),
    )
    listed = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in counts)
    techniques = "".join(
        f'<span class="badge {name}">{LABELS[name]}: {tally.technique(name)}</span>' for name in TECHNIQUES
    )
    return f"""<div class="pair"><div><p class="big">{big}</p>
<p class="verdict {report.verdict}">{_interval(tally)}{VERDICTS[report.verdict]}</p>
<p class="note">Target: at most {100 * report.target:.0f} %</p>{bar}</div>
<div><dl class="counts">{listed}</dl>{mix_bar(tally, TECHNIQUES, LABELS)}<p class="key">{techniques}</p></div></div>
{flag_mark(report.flag)}"""


def _interval(tally: Tally) -> str:
    return f"{share_text(tally.risky)}: " if tally.enough else ""


def _changes(report: PeriodReport) -> str:
    columns = [("this period", report.counted), (_before_name(report), report.before)]
    if report.week_ago is not report.before:
        columns.append(("same time last week", report.week_ago))
    heads = "".join(
        f'<th scope="col" class="number">{name}<small>{escape(_span(counted))}</small></th>'
        for name, counted in columns
    )
    tallies = [counted.tally for _, counted in columns]
    rows = [
        _row("lifts", [str(tally.lifts) for tally in tallies]),
        _row("told", [str(tally.risky.whole) for tally in tallies]),
        _row("risky", [str(tally.risky.part) for tally in tallies]),
        _row("share of risky", [share_text(tally.risky) if tally.enough else "–" for tally in tallies]),
        _row(
            "change of the share since",
            ["", *(_change(Change(then.risky, tallies[0].risky)) for then in tallies[1:])],
        ),
        _row("not told", [share_text(tally.unknown) for tally in tallies]),
    ]
    return _table("Counts and shares of the periods", f'<th scope="col">Lifts</th>{heads}', rows)


def _before_name(report: PeriodReport) -> str:
    return "the week before" if report.week_ago is report.before else "the time before"


def _change(change: Change) -> str:
    if change.value is None or change.interval is None:
        return change.words
    low, high = change.interval
    return f"{_signed(change.value)} ({_signed(low)} to {_signed(high)}) points<small>{change.words}</small>"


def _signed(share: float) -> str:
    return f"{round(100 * share):+d}".replace("-", "−")


def _course(report: PeriodReport) -> str:
    counted = report.counted
    unit = "days" if _long(counted) else "hours"
    named = _days(counted) if _long(counted) else _hours(counted)
    rows = [
        _row(
            name,
            (
                str(column.tally.risky.part),
                str(column.tally.risky.whole),
                share_text(column.tally.risky) if column.tally.enough else "–",
                str(column.tally.unknown.part),
            ),
        )
        for name, column in named
    ]
    heads = _heads(unit.removesuffix("s").capitalize(), ("risky", "told", "share", "unknown"))
    key = _KEY.format(note="" if all(column.whole for _, column in named) else _RING)
    plot = trend_plot([column for _, column in named], report.target, unit)
    return f"""<div class="pair"><figure>{plot}{key}</figure>
{_table(f"Lifts of the {unit}", heads, rows)}</div>{flag_mark(report.flag)}"""


def _long(counted: Counted) -> bool:
    window = counted.window
    return window.end.timestamp() - window.start.timestamp() > 1.5 * _DAY_S


def _days(counted: Counted) -> list[tuple[str, Column]]:
    """By the day in which each hour began."""
    by_day: defaultdict[date, list[Tally]] = defaultdict(list)
    for start, tally in counted.by_hour:
        by_day[start.date()].append(tally)
    return [
        (
            f"{WEEKDAYS[day.weekday()]} {day.day} {day:%b}",
            Column((WEEKDAYS[day.weekday()][:2], str(day.day)), Tally.sum(tallies), whole=len(tallies) >= 23),
        )
        for day, tallies in sorted(by_day.items())
    ]


def _hours(counted: Counted) -> list[tuple[str, Column]]:
    return [
        (f"{start:%H:%M}", Column((f"{start:%H}", f"{start:%M}" if start.minute else ""), tally))
        for start, tally in counted.by_hour
    ]


def _heat(counted: Counted) -> str:
    by_cell: defaultdict[tuple[int, int], list[Tally]] = defaultdict(list)
    for start, tally in counted.by_hour:
        if tally.lifts:
            by_cell[start.hour, start.weekday()].append(tally)
    cells = {cell: Tally.sum(tallies) for cell, tallies in by_cell.items()}
    worked = [hour for hour, _ in cells]
    hours = range(min(worked), max(worked) + 1) if worked else range(0)
    return heat_table(Heat(cells, hours, Flag("good")))


def _zones(report: PeriodReport) -> str:
    top = scale_top((zone.tally for zone in report.zones), report.target)
    several = len({zone.site for zone in report.zones}) > 1
    last_week = report.week_ago is not report.before
    rows = [_zone(zone, report, top, several) for zone in report.zones]
    names = ("share of risky", "risky of told", "not told", f"since {_before_name(report)}")
    heads = _heads("Zone", (*names, *(("since last week",) if last_week else ()), "data"))
    return _table("Zones by the lower end of their interval", heads, rows)


def _zone(zone: ZoneReport, report: PeriodReport, top: float, several: bool) -> str:
    share = zone.tally.risky
    shown = f"{share_text(share)}{target_bar(share, report.target, top)}" if zone.tally.enough else "too few"
    changes = [_change(zone.before)] + ([_change(zone.week_ago)] if report.week_ago is not report.before else [])
    cells = (
        f"{shown}",
        f"{share.part} of {share.whole}",
        share_text(zone.tally.unknown),
        *changes,
        flag_mark(zone.flag),
    )
    return _row(f"{zone.site} / {zone.zone}" if several else zone.zone, cells)


def _quality(report: PeriodReport) -> str:
    quality = report.quality
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in report.flag.reasons)
    rows = [
        _row("Lifts not told", [share_text(report.counted.tally.unknown)]),
        _row("… because of", [_listed(quality.reasons)]),
        _row("Bridge not read by Prometheus, or without broker", [_bridge(quality)]),
        _row("Agents down", [_downs(quality.agents)]),
        _row("Cameras down", [_downs(quality.cameras)]),
        _row("Cameras blind", [_blind(quality)]),
        _row("Lifts given up by agents, by risk", [_listed(quality.given_up)]),
        _row("Messages that the bridge refused", [_listed(quality.refused)]),
        _row("Counters that began anew", [str(report.counted.falls)]),
    ]
    heads = '<th scope="col">What</th><th scope="col" class="number">in this period</th>'
    listed = f'<ul class="reasons">{reasons}</ul>' if reasons else ""
    return f"{flag_mark(report.flag)}{listed}{_table('What is known of the data', heads, rows)}"


_NOT_KNOWN: Final = "not known: Prometheus has no such series"


def _listed(counts: Mapping[str, int] | None) -> str:
    if counts is None:
        return _NOT_KNOWN
    some = [f"{escape(name)} {count}" for name, count in sorted(counts.items(), key=lambda each: -each[1]) if count]
    return ", ".join(some) or "none"


def _bridge(quality: Quality) -> str:
    if quality.bridge is None:
        return _NOT_KNOWN
    return f"{span(quality.bridge.unknown_s)} not read, {span(quality.bridge.down_s)} without broker"


def _downs(downs: Sequence[Down] | None) -> str:
    if downs is None:
        return _NOT_KNOWN
    some = []
    for each in downs:
        for seconds, what in ((each.down_s, "down"), (each.unknown_s, "not known")):
            if seconds >= 60:
                some.append(f"{escape(' / '.join(each.who))} {span(seconds)} {what}")
    return "<br>".join(some) or f"none of {len(downs)}"


def _blind(quality: Quality) -> str:
    if quality.blind_s is None:
        return _NOT_KNOWN
    some = [f"{escape(' / '.join(who))} {span(seconds)}" for who, seconds in quality.blind_s.items() if seconds >= 60]
    return "<br>".join(some) or "none for a minute"


def _table(caption: str, heads: str, rows: Iterable[str]) -> str:
    return f"""<div class="sheet"><table><caption class="away">{escape(caption)}</caption>
<thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>"""


def _heads(first: str, others: Iterable[str]) -> str:
    return f'<th scope="col">{first}</th>' + "".join(f'<th scope="col" class="number">{name}</th>' for name in others)


def _row(name: str, cells: Iterable[str]) -> str:
    """``name`` is plain text, ``cells`` are HTML."""
    drawn = "".join(f'<td class="number">{cell}</td>' for cell in cells)
    return f'<tr><th scope="row">{escape(name)}</th>{drawn}</tr>'


def _span(counted: Counted) -> str:
    """``Mon 23 November 2026, 06:00 to 14:00``; the day again where it is another."""
    start, end = counted.window.start, counted.window.end
    return f"{_day(start)}, {start:%H:%M} to {'' if end.date() == start.date() else f'{_day(end)}, '}{end:%H:%M}"


def _day(moment: datetime) -> str:
    return f"{WEEKDAYS[moment.weekday()]} {moment.day} {moment:%B %Y}"
