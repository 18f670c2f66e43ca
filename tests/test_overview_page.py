"""The overview in a real browser: it shows what was published, on any screen, for everyone, and nothing else runs."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from urllib.request import urlopen
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from edge_agent.bridge import Bridge
from edge_agent.core.figures import Share
from edge_agent.core.overview import share_text
from tests.accessibility import flaws, letters_px, sticking_out
from tests.browser import SIZES, chromium
from tests.colours import BLINDNESS, as_seen, lab
from tests.services import Listener, sample, wait_for
from tests.services import page as metrics_page
from tests.site_history import (
    RISKY_SHARES,
    KnownLift,
    announce,
    as_if_counted_for_long,
    known_lifts,
    publish,
    running_site,
)

LONDON = ZoneInfo("Europe/London")
TECHNIQUES = {"Hinge": "hinge", "Squat": "squat", "Rounded back": "rounded_back", "Unknown": "unknown"}
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass
class Site:
    bridge: Bridge
    agent: Listener
    lifts: list[KnownLift] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.bridge.port}/"

    def publish(self, *lifts: KnownLift) -> None:
        publish(self.agent, list(lifts), self.bridge.port)
        self.lifts += lifts

    def within(self, keep: Callable[[datetime], bool]) -> list[KnownLift]:
        return [lift for lift in self.lifts if keep(datetime.fromtimestamp(lift.bucket_start, LONDON))]

    @contextmanager
    def all_heard(self, messages: int) -> Iterator[None]:
        """Leave only when the bridge has taken in so many words of agents."""

        def heard() -> float:
            text = metrics_page(self.bridge.port)
            results = ("status", "health")
            return sum(sample(text, f'ergo_bridge_messages_total{{result="{each}"}}') or 0 for each in results)

        before = heard()
        yield
        wait_for("the bridge to hear the agents", lambda: heard() >= before + messages)

    def of_day(self, day: date) -> list[KnownLift]:
        return self.within(lambda moment: moment.date() == day)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    now = datetime.now(LONDON)
    with pytest.MonkeyPatch.context() as patch, running_site(tmp_path_factory.mktemp("site")) as (bridge, agent):
        patch.setattr("edge_agent.overview_page.KEEP_DRAWN_S", 0.0)
        as_if_counted_for_long(bridge, now.timestamp())
        site = Site(bridge, agent)
        earlier_today = int(now.replace(hour=0, minute=0, second=0).timestamp())
        site.publish(*known_lifts(now), *(KnownLift(earlier_today, "dock-1", "rounded_back", "high"),) * 40)
        yield site


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(params=SIZES)
def screen(request: pytest.FixtureRequest, browser: Browser, site: Site) -> Iterator[Page]:
    """The page on one screen; fails if anything went wrong in it, or it asked for anything but itself."""
    width, height = SIZES[request.param]
    page = browser.new_page(viewport={"width": width, "height": height})
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda made: asked.append(made.url))
    page.goto(site.url)
    yield page
    assert said == []
    assert set(asked) == {site.url}
    page.close()


def numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]


def as_of(page: Page) -> datetime:
    return datetime.fromisoformat(page.get_attribute("#as-of", "datetime") or "").astimezone(LONDON)


def counts(lifts: list[KnownLift]) -> list[int]:
    """Risky, told, unknown, all."""
    told = [lift for lift in lifts if lift.told]
    return [sum(lift.risky for lift in lifts), len(told), len(lifts) - len(told), len(lifts)]


def table(page: Page, selector: str) -> dict[str, list[str]]:
    rows = page.query_selector_all(f"{selector} tbody tr")
    return {
        (row.query_selector("th") or row).text_content() or "": [
            (cell.text_content() or "").strip() for cell in row.query_selector_all("td")
        ]
        for row in rows
    }


def test_today_and_the_shift_are_what_was_published(screen: Page, site: Site) -> None:
    now = as_of(screen)
    today = site.within(lambda moment: moment.date() == now.date())
    shown = [int(each) for each in screen.locator("#today dd").all_text_contents()]
    assert shown == counts(today)
    share = Share(shown[0], shown[1])
    assert share.interval is not None
    low, high = (f"{100 * end:.0f} %" for end in share.interval)
    assert (
        screen.locator("#today .big").inner_text().split("risky")[0].strip() == f"{100 * shown[0] / shown[1]:.0f} %"
    )
    assert f"{low} to {high}" in screen.locator("#today .big").inner_text()

    begins = max(hour for hour in (-2, 6, 14, 22) if hour <= now.hour)
    start = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(hours=begins)
    shift = site.within(lambda moment: moment >= start)
    assert [int(each) for each in screen.locator("#shift dd").all_text_contents()] == counts(shift)


def test_techniques_are_what_was_published(screen: Page, site: Site) -> None:
    now = as_of(screen)
    today = Counter(lift.technique for lift in site.within(lambda moment: moment.date() == now.date()))
    first = now.date() - timedelta(13)
    fortnight = Counter(lift.technique for lift in site.within(lambda moment: moment.date() >= first))
    for label, (of_today, of_fortnight, share) in table(screen, "#mix").items():
        name = TECHNIQUES[label]
        assert (int(of_today), int(of_fortnight)) == (today[name], fortnight[name])
        assert share == f"{100 * fortnight[name] / fortnight.total():.0f} %"


def test_each_day_of_the_trend_is_what_was_published(screen: Page, site: Site) -> None:
    now = as_of(screen)
    screen.locator("#trend summary").click()
    days = table(screen, "#trend")
    assert len(days) == 14
    for back, (name, (risky, told, share, unknown)) in enumerate(reversed(days.items())):
        day = now.date() - timedelta(back)
        lifts = site.of_day(day)
        assert name.startswith(f"{WEEKDAYS[day.weekday()]} {day.day} ")
        assert ("in part" in name) == (back == 0)
        assert [int(risky), int(told), int(unknown)] == counts(lifts)[:3]
        assert share == (share_text(Share(int(risky), int(told))) if int(told) >= 30 else "–")


def test_zones_are_ranked_and_what_was_published(screen: Page, site: Site) -> None:
    now = as_of(screen)
    first = now.date() - timedelta(13)
    lows = []
    items = screen.locator(".zones > li").all()
    assert len(items) == len(RISKY_SHARES)
    for item in items:
        zone = item.locator("h3").inner_text()
        lifts = [lift for lift in site.within(lambda moment: moment.date() >= first) if lift.zone == zone]
        today = [lift for lift in site.within(lambda moment: moment.date() == now.date()) if lift.zone == zone]
        risky, told, unknown, _ = counts(lifts)
        assert numbers(item.locator(".parts").inner_text()) == [risky, told, unknown, *counts(today)[:2]]
        share = Share(risky, told)
        enough = told >= 30 and share.interval is not None
        assert (share_text(share) if enough else f"too few: {told} of 30 told") in item.locator(".share").inner_text()
        lows.append(share.interval[0] if enough and share.interval else -1.0)
    assert lows == sorted(lows, reverse=True)


def test_the_heat_map_is_what_was_published(screen: Page, site: Site) -> None:
    today = as_of(screen).date()
    lifts = site.within(lambda moment: today - timedelta(28) <= moment.date() < today)
    cells: Counter[tuple[int, int]] = Counter()
    risky: Counter[tuple[int, int]] = Counter()
    for lift in lifts:
        moment = datetime.fromtimestamp(lift.bucket_start, LONDON)
        cells[moment.hour, moment.weekday()] += 1
        risky[moment.hour, moment.weekday()] += lift.risky
    shown = {
        (int(hour), weekday): text for hour, row in table(screen, ".heat").items() for weekday, text in enumerate(row)
    }
    assert {cell: int(text) for cell, text in shown.items() if text != "·"} == {cell: risky[cell] for cell in cells}
    assert all(cells[cell] == 0 for cell, text in shown.items() if text == "·")


def test_beside_every_number_stands_how_good_its_data_is(screen: Page) -> None:
    for section in ("today", "shift", "mix", "trend", "zones", "hours"):
        assert screen.locator(f"#{section} > .flag").count() == 1, section
    assert all(item.locator(".flag").count() == 1 for item in screen.locator(".zones > li").all())
    packing = screen.locator(".zones > li", has_text="packing")
    expect(packing.locator(".flag")).to_contain_text("could not be told")  # 38 % of its lifts
    expect(screen.locator("#quality")).to_contain_text("4 of 4")


def test_nothing_is_wider_than_the_screen_and_everything_can_be_read(screen: Page) -> None:
    for summary in screen.locator("summary").all():
        summary.click()
    assert sticking_out(screen) == []
    assert min(letters_px(screen)) >= 9


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everyone_can_use_it(screen: Page, scheme: str) -> None:
    screen.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for summary in screen.locator("summary").all():
        summary.click()
    assert flaws(screen) == []


def test_the_checks_see_what_they_are_for(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(
        "<h1>A</h1><h3>B</h3><section>C</section><svg></svg><table><tbody><tr><td>1</td></tr></tbody></table>"
        "<a href='#'></a><p id=x style='color:#999'>pale</p><p id=x></p><div style='width:300vw'>wide</div>"
    )
    found = "\n".join([*flaws(page), *map(str, sticking_out(page))])
    for flaw in (
        "no language",
        "no title",
        "0 of main",
        "heading skips",
        "unnamed",
        "without words",
        "without caption",
    ):
        assert flaw in found
    for flaw in ("without column heads", "row without head", "control without", "id twice: x", "2.85", "sideways"):
        assert flaw in found
    page.close()


def test_a_lift_appears_without_a_reload_and_nobody_loses_their_place(browser: Browser, site: Site) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.clock.install()
    page.goto(site.url)
    page.evaluate("window.mark = 'same page'")
    page.locator("#trend summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#trend details")).to_have_attribute("open", "")
    page.evaluate("scrollTo(0, 1500)")  # so far that what has the focus is out of sight
    place = page.evaluate("scrollY")
    before = int(page.locator("#today dd").first.inner_text())
    site.publish(KnownLift(int(datetime.now(LONDON).timestamp()) // 300 * 300, "dock-1", "rounded_back", "high"))
    page.clock.fast_forward(15_000)
    expect(page.locator("#today dd").first).to_have_text(str(before + 1))
    assert page.evaluate("window.mark") == "same page"
    assert page.locator("#trend details").get_attribute("open") is not None
    assert page.evaluate("document.activeElement.closest('details').id") == "trend-table"
    assert page.evaluate("scrollY") == place == 1500
    page.close()


def test_when_the_bridge_is_gone_the_page_says_that_its_figures_are_old(browser: Browser, site: Site) -> None:
    page = browser.new_page()
    page.clock.install()
    page.goto(site.url)
    page.route("**/*", lambda route: route.abort())
    page.clock.fast_forward(15_000)
    expect(page.get_by_role("status")).to_contain_text("The bridge does not answer. These figures are of")
    page.unroute("**/*")
    page.clock.fast_forward(15_000)
    expect(page.get_by_role("status")).to_be_empty()
    page.close()


def test_without_script_it_shows_the_same_and_comes_anew_by_itself(
    browser: Browser, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.overview_html.REFRESH_WITHOUT_SCRIPT_S", 1)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.url)
    first = as_of(page)
    assert int(page.locator("#today dd").first.inner_text()) > 0
    expect(page.locator("#as-of")).not_to_have_attribute("datetime", first.isoformat(timespec="seconds"))
    context.close()


def test_a_silent_agent_and_a_lost_camera_are_flagged_on_the_live_page(browser: Browser, site: Site) -> None:
    page = browser.new_page()
    with site.all_heard(messages=3):
        announce(site.agent, cameras_up=1, names=("dock-box-1",))
        site.agent.publish("ergo/v1/leeds/hall-box-2/status", "offline", retain=True)
    page.goto(site.url)
    expect(page.locator("#quality")).to_contain_text("agent hall-box-2 of leeds is silent since")
    expect(page.locator("#quality")).to_contain_text("1 of 2 cameras of agent dock-box-1 of leeds is down")
    expect(page.locator("#quality dd").nth(1)).to_have_text("1 of 4")
    expect(page.locator(".zones > li", has_text="pallet-line").locator(".flag")).to_have_class("flag poor")
    with site.all_heard(messages=4):
        announce(site.agent)
    page.close()


def test_nothing_but_the_pages_own_style_and_script_runs(browser: Browser, site: Site) -> None:
    with urlopen(site.url) as reply:
        policy = reply.headers["Content-Security-Policy"]
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert "http" not in reply.read().decode().replace("http-equiv", "")
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
    page = browser.new_page()
    page.goto(site.url)
    page.evaluate(
        "() => { const own = document.createElement('script'); own.textContent = 'window.ran = 1';"
        "document.body.append(own);"
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran=1\">') }"
    )
    assert page.evaluate("window.ran") is None
    page.close()


@pytest.mark.parametrize("blindness", BLINDNESS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_neighbouring_colours_differ_for_colour_blind_eyes(
    browser: Browser, site: Site, blindness: str, scheme: str
) -> None:
    page = browser.new_page(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(site.url)
    for group in ("#mix .badge", "#trend .badge:not(.dashed)"):
        colours = page.eval_on_selector_all(
            group, "all => all.map(e => getComputedStyle(e, '::before').backgroundColor)"
        )
        seen = [lab(as_seen(colour, BLINDNESS[blindness])) for colour in colours]
        for one, other in pairwise(seen):  # neighbours in the bar; a gap is between them
            assert sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5 > 15, (group, colours)
    page.close()
