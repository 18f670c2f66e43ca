"""Months of a simulated fleet, as a real Prometheus tells them."""

import pytest

from edge_agent.fleet.work import Span, lifts_shown
from tests.history import DAY_S, History, layers


def test_prometheus_tells_every_lift_that_the_model_made(history: History) -> None:
    past = history.past
    for zone in past.fleet.zones:
        told = history.value_at(f'sum(ergo_lifts_total{{site="{zone.place.site}",zone="{zone.place.zone}"}})')
        assert told == lifts_shown(past.fleet, zone, Span(past.first_s, past.end_s), 5).sum()


def test_the_rules_are_filled_in_from_the_first_day_to_the_last(history: History) -> None:
    past = history.past
    share = "site_zone:ergo_lifts_risky:ratio8h_minus_week_ago"
    days = {int(time) // DAY_S for curve in history.over(share, past.first_s, past.end_s, 3600)
            for time, _ in curve["values"]}  # fmt: skip
    assert len(days) > 30


def test_an_intervention_is_seen_where_it_was_made_and_nowhere_else(history: History) -> None:
    past = history.past
    weeks = f"[{past.days // 2}d]"
    high = f'increase(ergo_lifts_total{{technique!="unknown",risk="high"}}{weeks})'
    told = f'increase(ergo_lifts_total{{technique!="unknown"}}{weeks})'
    share = f"sum by (site, zone) ({high}) / sum by (site, zone) ({told})"

    def shares(at_s: float) -> dict[tuple[str, str], float]:
        samples = history.at(share, at_s)
        return {(one["metric"]["site"], one["metric"]["zone"]): float(one["value"][1]) for one in samples}

    before, after = shares(past.intervention_s), shares(past.end_s)
    mended = {(one.place.site, one.place.zone) for one in past.fleet.interventions}
    assert len(mended) == past.size.sites
    for zone, share_before in before.items():
        assert (after[zone] < 0.65 * share_before) == (zone in mended), zone


def test_agents_that_were_gone_are_told_as_gone(history: History) -> None:
    past = history.past
    gone = history.at(f"min_over_time(ergo_agent_up[{past.days}d]) == 0")
    here = history.at(f"max_over_time(ergo_agent_up[{past.days}d]) == 1")
    assert gone
    assert len(here) == past.size.sites * past.size.agents_per_site


def test_rules_are_filled_in_after_those_that_they_read() -> None:
    rules = [{"record": "c:x", "expr": "a:x + b:x"}, {"record": "b:x", "expr": "sum(a:x)"},
             {"record": "a:x", "expr": "m"}]  # fmt: skip
    assert [[rule["record"] for rule in layer] for layer in layers(rules)] == [["a:x"], ["b:x"], ["c:x"]]
    with pytest.raises(ValueError, match="read each other"):
        list(layers([{"record": "a", "expr": "b"}, {"record": "b", "expr": "a"}]))
