"""The overview as a page: every share with its interval, every number with a flag of how good its data is."""

from collections.abc import Sequence
from html import escape
from typing import Final

from edge_agent.core.overview import HEAT_DAYS, TREND_DAYS, Heat, Overview, Period, Verdict, ZoneFigures, share_text
from edge_agent.core.quality import Flag, Level
from edge_agent.core.records import TECHNIQUES
from edge_agent.core.tally import MIN_TOLD, Tally
from edge_agent.metrics_server import Document
from edge_agent.overview_fleet import fleet_section
from edge_agent.overview_plots import WEEKDAYS, column_of, heat_level, mix_bar, scale_top, target_bar, trend_plot
from edge_agent.page import LABELS, Page

FIRST_ZONES: Final = 8
MOST_ZONES: Final = 100
"""Of a bigger site the page shows the worst so many, and says how many it leaves out."""

VERDICTS: Final[dict[Verdict, str]] = {
    "above": "above the target",
    "within": "within the target",
    "unsure": "too close to the target to tell",
    "few": "too few lifts for a share",
}
_LEVELS: Final[dict[Level, str]] = {"good": "Data good", "caution": "Data incomplete", "poor": "Data poor"}
# Told apart by their shape, not by colour alone.
_SIGNS: Final[dict[Level, str]] = {
    "good": '<circle cx="8" cy="8" r="7"/><path d="M4.5 8.2 7 10.7 11.5 5.8"/>',
    "caution": '<path class="body" d="M8 1 15.2 14.5H.8Z"/><path d="M8 6v4M8 12v.6"/>',
    "poor": '<rect x="1" y="1" width="14" height="14" rx="2"/><path d="M5 5l6 6M11 5l-6 6"/>',
}
REFRESH_WITHOUT_SCRIPT_S: Final = 30


def overview_document(view: Overview) -> Document:
    """The whole page and the policy it is shown under."""
    site = ", ".join(sorted({zone.site for zone in view.zones})) or "no site yet"
    page = Page(
        title="Lifts: overview",
        eyebrow="Hingewatch overview",
        heading=f"Lifts at {site}" if len(site) < 60 else "Lifts of all sites",
        facts=_facts(view),
        main=f'<div id="figures">\n{_main(view)}\n</div>\n<p id="state" role="status"></p>',
        footer=_FOOTER,
        styles=("report.css", "figures.css", "overview.css"),
        script="overview.js",
        head=f'<noscript><meta http-equiv="refresh" content="{REFRESH_WITHOUT_SCRIPT_S}"></noscript>\n',
    )
    return Document(page.html, page.policy)


_FOOTER: Final = f"""<p><b>Risky</b>: posture exposure “high” (a rounded back bent far), of lifts whose
technique could be told. Not injury risk: what is lifted is not seen. Behind each share stands its 95 % interval
(Wilson); below {MIN_TOLD} told lifts no share is shown. A lift counts in the hour of its time bucket.</p>
<p>These are counts of places and their work, never of people. <a href="metrics">Metrics for Prometheus</a></p>"""


def _facts(view: Overview) -> str:
    day = f"{WEEKDAYS[view.at.weekday()]} {view.at.day} {view.at:%B %Y}"
    moment = f'<time id="as-of" datetime="{view.at.isoformat(timespec="seconds")}">{day}, {view.at:%H:%M:%S}</time>'
    target = f"target: at most {_percent(view.target)} risky"
    return f'<span id="facts">{moment} ({escape(str(view.at.tzinfo))}) · {target}</span>'


def _main(view: Overview) -> str:
    return "\n".join(
        (
            section("today", "Today", _headline(view.today, view.target)),
            section("shift", f"This shift, since {view.shift.start:%H:%M}", _headline(view.shift, view.target)),
            section("mix", "Technique", _mix(view.today, view.fortnight)),
            section("trend", f"The last {TREND_DAYS} days", _trend(view)),
            section("zones", f"Zones, {TREND_DAYS} days", _zones(view)),
            section("hours", f"Risky lifts by hour, {HEAT_DAYS} days", _heat(view)),
            section("quality", "What is known of the data", fleet_section(view)),
        )
    )


def section(name: str, heading: str, content: str) -> str:
    """HTML under an HTML heading, named by it."""
    return f'<section id="{name}" aria-labelledby="{name}-h"><h2 id="{name}-h">{heading}</h2>\n{content}</section>'


def flag_mark(flag: Flag) -> str:
    """Sign, word and the first reason; all reasons stand in the section on the data."""
    rest = f" (and {len(flag.reasons) - 1} more)" if len(flag.reasons) > 1 else ""
    why = f": {escape(flag.reasons[0])}{rest}" if flag.reasons else ""
    sign = f'<svg class="sign" viewBox="0 0 16 16" aria-hidden="true">{_SIGNS[flag.level]}</svg>'
    return f'<p class="flag {flag.level}">{sign}<span><b>{_LEVELS[flag.level]}</b>{why}</span></p>'


def _headline(period: Period, target: float) -> str:
    share = period.tally.risky
    if period.tally.enough and share.value is not None and share.interval is not None:
        low, high = map(_percent, share.interval)
        big = f"<b>{_percent(share.value)}</b> <span>risky, {low} to {high}</span>"
        bar = target_bar(share, target, scale_top([period.tally], target))
    else:
        big, bar = f"<b>{share.part}</b> <span>risky of {share.whole} told</span>", ""
    return f"""<p class="big">{big}</p>
{bar}
<p class="verdict {period.verdict}">{VERDICTS[period.verdict].capitalize()}</p>
<dl class="counts">{_count("risky", share.part)}{_count("told", share.whole)}
{_count("unknown", period.tally.unknown.part)}{_count("lifts in all", period.tally.lifts)}</dl>
{flag_mark(period.flag)}
"""


def _count(name: str, value: int) -> str:
    return f"<div><dt>{name}</dt><dd>{value}</dd></div>"


def _mix(today: Period, fortnight: Period) -> str:
    rows = ""
    for name in TECHNIQUES:
        now, all_days = today.tally.technique(name), fortnight.tally.technique(name)
        cells = (str(now), str(all_days), _part(all_days, fortnight.tally.lifts))
        rows += _row(f'<span class="badge {name}">{LABELS[name]}</span>', cells)
    return f"""<figure><figcaption>Today</figcaption>{mix_bar(today.tally, TECHNIQUES, LABELS)}</figure>
<figure><figcaption>{TREND_DAYS} days</figcaption>{mix_bar(fortnight.tally, TECHNIQUES, LABELS)}</figure>
<table><caption class="away">Lifts by technique</caption>
<thead><tr><th scope="col">Technique</th><th scope="col" class="number">today</th>
<th scope="col" class="number">{TREND_DAYS} days</th><th scope="col" class="number">share</th></tr></thead>
<tbody>{rows}</tbody></table>
{flag_mark(fortnight.flag)}
"""


def _trend(view: Overview) -> str:
    rows = ""
    for day in view.trend:
        name = f"{WEEKDAYS[day.day.weekday()]} {day.day.day} {day.day:%b}{'' if day.whole else ' (in part)'}"
        share = day.tally.risky
        shown = share_text(share) if day.tally.enough else "–"
        rows += _row(name, (str(share.part), str(share.whole), shown, str(day.tally.unknown.part)))
    return f"""<figure>{trend_plot(list(map(column_of, view.trend)), view.target, "days")}
<figcaption class="key"><span class="badge risky">risky</span><span class="badge other">other told</span>
<span class="badge unknown">unknown</span><span class="badge dashed">target</span>
<span>Ring: a day that is not over, or was not counted from its beginning.</span></figcaption></figure>
<details id="trend-table"><summary>As a table</summary>
<table><caption class="away">Lifts of each day</caption>
<thead><tr><th scope="col">Day</th><th scope="col" class="number">risky</th><th scope="col" class="number">told</th>
<th scope="col" class="number">share</th><th scope="col" class="number">unknown</th></tr></thead>
<tbody>{rows}</tbody></table></details>
{flag_mark(view.fortnight.flag)}
"""


def _zones(view: Overview) -> str:
    if not view.zones:
        return '<p class="nothing">No zone is known yet: an agent names its zones when it connects to the broker.</p>'
    several = len({zone.site for zone in view.zones}) > 1
    top = scale_top((zone.tally for zone in view.zones), view.target)
    bars = (target_bar(zone.tally.risky, view.target, top) if zone.tally.enough else "" for zone in view.zones)
    shown = [_zone(zone, several, bar) for zone, bar in zip(view.zones[:MOST_ZONES], bars, strict=False)]
    more = ""
    if shown[FIRST_ZONES:]:
        items = _zone_list(shown[FIRST_ZONES:], FIRST_ZONES + 1)
        more = f'<details id="more-zones"><summary>{len(shown) - FIRST_ZONES} more zones</summary>{items}</details>'
    left_out = len(view.zones) - len(shown)
    note = f'<p class="nothing">{left_out} more zones are not shown here.</p>' if left_out else ""
    return f"""<p class="note">Ranked by the lower end of the interval: what is surely worse comes first.</p>
{flag_mark(view.fortnight.flag)}
{_zone_list(shown[:FIRST_ZONES], 1)}{more}{note}
"""


def _zone_list(zones: Sequence[str], start: int) -> str:
    return f'<ol class="zones" start="{start}">{"".join(zones)}</ol>'


def _zone(zone: ZoneFigures, several_sites: bool, bar: str) -> str:
    name = f"{zone.site} / {zone.zone}" if several_sites else zone.zone
    share = zone.tally.risky
    told = share_text(share) if zone.tally.enough else f"too few: {share.whole} of {MIN_TOLD} told"
    return f"""<li><h3>{escape(name)}</h3><p class="share {zone.verdict}"><b>{told}</b>{bar}</p>
<p class="parts">{_counts(zone.tally)} · today {zone.today.risky.part} of {zone.today.risky.whole}
{_spoken_verdict(zone)}</p>{flag_mark(zone.flag)}</li>
"""


def _spoken_verdict(zone: ZoneFigures) -> str:
    return "" if zone.verdict == "few" else f" · {VERDICTS[zone.verdict]}"


def _heat(view: Overview) -> str:
    heat = view.heat
    if not heat.cells:
        return (
            f'<p class="nothing">No lift was counted in the {HEAT_DAYS} days before today.</p>{flag_mark(heat.flag)}'
        )
    return f"{heat_table(heat)}\n{flag_mark(heat.flag)}\n"


def heat_table(heat: Heat) -> str:
    """Hours down, weekdays across: a table, so that it needs no other for those who do not see colours."""
    heads = "".join(f'<th scope="col">{name}</th>' for name in WEEKDAYS)
    rows = ""
    for hour in heat.hours:
        cells = ""
        for weekday in range(7):
            tally = heat.cells.get((hour, weekday), Tally())
            title = f"{WEEKDAYS[weekday]} {hour}:00: {_counts(tally)}"
            shown = tally.risky.part if tally.lifts else '<span aria-label="no lifts">·</span>'
            cells += f'<td class="h{heat_level(heat, (hour, weekday))}" title="{escape(title)}">{shown}</td>'
        rows += f'<tr><th scope="row">{hour:02d}</th>{cells}</tr>'
    return f"""<table class="heat">
<caption>Risky lifts in each hour of the week, all zones; a dot: no lifts at all</caption>
<thead><tr><th scope="col">Hour</th>{heads}</tr></thead><tbody>{rows}</tbody></table>"""


def _row(name: str, cells: Sequence[str]) -> str:
    drawn = "".join(f'<td class="number">{cell}</td>' for cell in cells)
    return f'<tr><th scope="row">{name}</th>{drawn}</tr>'


def _counts(tally: Tally) -> str:
    return f"{tally.risky.part} risky of {tally.risky.whole} told, {tally.unknown.part} unknown"


def _part(part: int, whole: int) -> str:
    return _percent(part / whole) if whole else "–"


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"
