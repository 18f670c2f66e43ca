"""What a panel asks Prometheus, worked out as Grafana would."""

from typing import Any

import pytest

from scripts.dashboards.ask import DAY_S, View, questions
from scripts.dashboards.promql import Share

NOON_S = 1_790_164_800
MIDNIGHT_S = NOON_S - DAY_S // 2
VIEW = View(NOON_S, 90 * DAY_S, {"site": "leeds", "zone": "line", "utc_offset": "7200"})


def panel(expr: str, *, instant: bool, **settings: str) -> dict[str, Any]:
    return {"targets": [{"refId": "A", "expr": expr, "instant": instant}], **settings}


def test_a_panel_of_today_asks_for_what_there_is_of_today() -> None:
    (asked,) = questions(panel("sum_over_time(x[$__range])", instant=True, timeFrom="now/d"), VIEW)
    assert (asked.expr, asked.end_s, asked.step_s) == ("sum_over_time(x[43200s])", NOON_S, 0)


def test_a_trend_by_days_asks_for_whole_days() -> None:
    (asked,) = questions(panel("x", instant=False, interval="1d"), VIEW)
    assert (asked.start_s, asked.end_s, asked.step_s) == (MIDNIGHT_S - 90 * DAY_S, MIDNIGHT_S, DAY_S)


def test_a_long_range_asks_for_as_many_points_as_a_panel_is_wide() -> None:
    (asked,) = questions(panel("x", instant=False), VIEW)
    assert asked.step_s == 90 * DAY_S // 1000


def test_what_the_reader_chose_stands_in_the_question() -> None:
    (asked,) = questions(panel('x{site=~"$site",zone="$zone"} + $utc_offset', instant=True), VIEW)
    assert asked.expr == 'x{site=~"leeds",zone="line"} + 7200'


def test_a_choice_that_nobody_offers_is_no_empty_question() -> None:
    with pytest.raises(KeyError, match="camera"):
        list(questions(panel('x{camera=~"$camera"}', instant=True), VIEW))


def test_a_share_of_few_lifts_is_never_asked_for() -> None:
    share = Share("risky", "told")
    assert all("told >= 30" in expr for expr in (share.value, share.lower, share.upper))
