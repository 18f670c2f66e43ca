"""The overview's section on its own data: what is watched, what is told, and what is wrong with it."""

from html import escape

from edge_agent.core.overview import Overview, share_text
from edge_agent.core.quality import LEVELS, Flag


def fleet_section(view: Overview) -> str:
    """Every reason of every flag once, and the figures behind them."""
    agents = view.state.agents
    cameras = sum(agent.health.cameras for agent in agents)
    up = cameras - sum(agent.cameras_down for agent in agents)
    figures = (
        ("Agents up", f"{sum(agent.up for agent in agents)} of {len(agents)}"),
        ("Cameras up", f"{up} of {cameras}" if cameras else "not told"),
        ("Lifts not told, today", share_text(view.today.tally.unknown)),
        ("Lifts not told, 14 days", share_text(view.fortnight.tally.unknown)),
        ("Lifts that wait at agents", str(sum(agent.health.waiting for agent in agents))),
        ("Messages refused since the bridge began", str(view.state.refused)),
        ("Broker", "connected" if view.state.connected else "not connected"),
    )
    rows = "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in figures)
    reasons = _reasons(view)
    listed = (
        "".join(f"<li>{escape(reason)}</li>" for reason in reasons)
        or "<li>nothing is wrong that the bridge knows of</li>"
    )
    return f"""<dl class="facts-list">{rows}</dl>
<ul class="reasons">{listed}</ul>
<p class="note">Lifts wait at an agent until a zone has enough for nobody to be singled out. Outages of days gone
by are not remembered here, but in Prometheus: <code>edge-agent report</code> lists them.</p>
"""


def _reasons(view: Overview) -> list[str]:
    flags: list[Flag] = [view.today.flag, view.shift.flag, view.fortnight.flag, view.heat.flag]
    flags += [zone.flag for zone in view.zones]
    worst_first = sorted(flags, key=lambda flag: -LEVELS.index(flag.level))
    return list(dict.fromkeys(reason for flag in worst_first for reason in flag.reasons))[:50]
