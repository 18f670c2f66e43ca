"""An installer sets up a site in a real browser: a zone is drawn and used; nobody else gets in or sees anybody."""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from structlog.testing import capture_logs

from edge_agent.coarse import WIDTH_PX, Shutter
from edge_agent.errors import InputError
from edge_agent.pose.eyes import Eyes
from edge_agent.setup.door import COOKIE, CSRF_HEADER
from edge_agent.setup.listening import Listening
from tests.accessibility import flaws, letters_px, sticking_out
from tests.browser import SIZES, chromium
from tests.demo_clip import DEMO_CLIP
from tests.services import RtspServer, wait_for
from tests.setup_site import Setup, running_setup

HALL = ((0.05, 0.5), (0.95, 0.5), (0.95, 0.97), (0.05, 0.97))
"""Where the demo's two people stand."""


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory, eyes: Eyes) -> Iterator[Setup]:
    camera = RtspServer(str(DEMO_CLIP))
    try:
        with running_setup(tmp_path_factory.mktemp("setup"), camera.url, eyes) as setup:
            yield setup
    finally:
        camera.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def installer(setup: Setup, browser: Browser) -> BrowserContext:
    return setup.enter(browser)


@pytest.fixture
def page(setup: Setup, installer: BrowserContext) -> Iterator[Page]:
    """Over the file as it was at first; fails if anything went wrong in it."""
    setup.said.clear()
    page = setup.page(installer)
    yield page
    page.close()
    assert setup.said == []


def click_corners(page: Page, corners: tuple[tuple[float, float], ...]) -> None:
    """And the first one again, which closes the polygon. The floor moves where a camera that went down is told of."""
    for x, y in (*corners, corners[0]):
        box = page.locator("#floor").bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def draw_hall(page: Page) -> None:
    page.click("#add-zones")
    click_corners(page, HALL)
    page.fill("#zones-1-name", "hall")
    page.fill("#zones-1-workers", "6")


def ask(setup: Setup, method: str, path: str, headers: dict[str, str], body: str | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", setup.port, timeout=10)
    try:
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def let_in(setup: Setup) -> dict[str, str]:
    """The headers of the page's own requests."""
    door = setup.server.door
    return {
        "Cookie": f"{COOKIE}={door.session}",
        "Origin": f"http://127.0.0.1:{setup.port}",
        "Content-Type": "application/json",
        CSRF_HEADER: door.csrf,
    }


def test_a_zone_is_drawn_saved_and_used_at_once(setup: Setup, page: Page) -> None:
    expect(page.locator("#who li").first).to_have_text("Feet outside of all zones: a lift here is not counted")
    draw_hall(page)
    page.click("#save")
    expect(page.locator("#said")).to_contain_text("Saved.")
    expect(page.locator("#said")).to_contain_text("systemctl reload hingewatch-agent")
    expect(page.locator("#who li").first).to_have_text("Feet in hall")
    expect(page.locator("#people text").first).to_have_text("hall")
    before, behind = setup.text.split("  - {name: yard")
    saved = setup.path.read_text()
    assert saved.startswith(before)  # every comment, every byte of what was there
    assert saved.endswith(behind)
    added = saved.removeprefix(before).partition("  - {name: yard")[0].splitlines()
    assert [line.split(":")[0] for line in added] == ["      - name", "        polygon", "        workers"]
    corners = json.loads(added[1].partition(":")[2])
    assert np.abs(np.subtract(corners, HALL)).max() < 0.005


def test_what_was_drawn_can_be_undone_and_done_again(page: Page) -> None:
    shapes = page.locator("#floor polygon")
    expect(page.locator("#undo")).to_be_disabled()
    draw_hall(page)
    expect(shapes).to_have_count(2)
    for _ in range(7):  # workers, name, four corners, the zone itself
        page.click("#undo")
    expect(shapes).to_have_count(1)
    expect(page.locator("#undo")).to_be_disabled()
    expect(page.locator("#save")).to_be_disabled()
    for _ in range(7):
        page.click("#redo")
    expect(page.locator("#zones-1-name")).to_have_value("hall")
    expect(page.locator("#redo")).to_be_disabled()


def test_a_corner_is_dragged_and_a_zone_deleted(setup: Setup, page: Page) -> None:
    page.click("#floor polygon")
    corner, box = page.locator("#floor circle").nth(2).bounding_box(), page.locator("#floor").bounding_box()
    assert corner is not None
    assert box is not None
    page.mouse.move(corner["x"] + corner["width"] / 2, corner["y"] + corner["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.4 * box["height"], steps=4)
    page.mouse.up()
    expect(page.locator("#zones-0-polygon")).to_have_value(
        re.compile(r"^0 0, 0\.1 0, 0\.(3|29\d|30\d) 0\.(4|39\d|40\d)$")
    )
    page.click("#undo")
    expect(page.locator("#zones-0-polygon")).to_have_value("0 0, 0.1 0, 0.1 0.1")
    page.get_by_role("button", name="Delete Zone gate").click()
    page.click("#save")
    expect(page.locator("#said")).to_contain_text("Saved.")
    assert "zones: []" in setup.path.read_text()
    assert "# as agreed with the works council" in setup.path.read_text()


def test_it_is_done_by_keyboard_alone(setup: Setup, page: Page) -> None:
    page.focus("#add-masks")
    page.keyboard.press("Enter")
    expect(page.locator("#masks-0-polygon")).to_be_focused()
    page.keyboard.type("0.8 0, 1 0, 1 0.3")
    page.focus("#save")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("Saved.")
    assert "masks:\n      - [[0.8, 0.0], [1.0, 0.0], [1.0, 0.3]]\n" in setup.path.read_text()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("polygon", "0 0, 1 1, 1 0, 0 1", "edge 1 crosses edge 3: list the corners in drawing order"),
        ("polygon", "0 0, 1.2 0, 1 1", "should be less than or equal to 1"),
        ("polygon", "0 0, 1 1", "has too few entries: a polygon has three corners or more"),
        ("name", "Left side", "not a fit name: use up to 63 small letters, digits, - and _"),
        ("workers", "0", "should be greater than or equal to 1"),
    ],
)
def test_what_cannot_be_is_told_at_its_field(setup: Setup, page: Page, field: str, value: str, said: str) -> None:
    page.fill(f"#zones-0-{field}", value)
    page.click("#save")
    wrong = page.locator(f"#zones-0-{field}")
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_be_focused()
    expect(page.locator(f"#zones-0-{field}-e")).to_contain_text(said)
    expect(page.locator("[aria-invalid=true]")).to_have_count(1)
    assert setup.path.read_text() == setup.text
    setup.said.clear()  # Chromium tells of the 422


def test_a_file_that_somebody_else_changed_is_not_written_over(setup: Setup, page: Page) -> None:
    theirs = setup.text.replace("site: leeds", "site: york")
    setup.path.write_text(theirs)
    draw_hall(page)
    page.click("#save")
    expect(page.locator("#said")).to_contain_text("was changed by somebody else meanwhile: nothing was written")
    assert setup.path.read_text() == theirs
    page.click("#reload")
    expect(page.locator("#floor polygon")).to_have_count(1)
    draw_hall(page)
    page.click("#save")
    expect(page.locator("#said")).to_contain_text("Saved.")
    assert "site: york" in setup.path.read_text()
    setup.said.clear()  # Chromium tells of the 409


def test_the_previous_file_comes_back_with_one_click(setup: Setup, page: Page) -> None:
    expect(page.locator("#restore")).to_be_disabled()
    draw_hall(page)
    page.click("#save")
    expect(page.locator("#who li").first).to_have_text("Feet in hall")
    page.click("#restore")
    expect(page.locator("#said")).to_contain_text("Restored.")
    assert setup.path.read_text() == setup.text
    expect(page.locator("#who li").first).to_contain_text("outside of all zones")


LIVE_FIELDS = {"size_px", "bodies", "advice", "figures", "cameras", "picture_s", "left_s"}
BODY_FIELDS = {"lines", "head", "feet", "zone"}


def test_not_one_pixel_is_sent_before_the_switch_is_on_nor_after_it_went_off(setup: Setup, page: Page) -> None:
    setup.server.sent.clear()
    page.reload()
    expect(page.locator("#people .feet").first).to_be_attached()
    path = f"{setup.server.door.folder}picture/dock-3.jpg"
    assert ask(setup, "GET", path, let_in(setup)) == (204, b"")
    page.click("#show")
    page.click("#no")
    expect(page.locator("#picture image")).to_have_count(0)
    assert_no_picture(setup.server.sent)

    with capture_logs() as logs:
        page.click("#show")
        page.click("#yes")
        expect(page.locator("#shown")).to_have_text("People are shown for 120 s more")
        expect(page.locator("#picture image")).to_have_count(1)
        shown = wait_for("a picture", lambda: [body for sent, body in setup.server.sent if is_picture(sent, body)])
        picture = cv2.imdecode(np.frombuffer(shown[0], np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        assert picture.shape[1] == WIDTH_PX
        setup.clock.now_s += 60 * Shutter.MINUTES
        setup.server.sent.clear()
        expect(page.locator("#picture image")).to_have_count(0)
        expect(page.locator("#show")).to_have_text("Show the picture…")
    wait_for("some more answers", lambda: len(setup.server.sent) > 6)
    assert ask(setup, "GET", path, let_in(setup)) == (204, b"")
    assert_no_picture(setup.server.sent)
    told = [line for line in logs if line["log_level"] == "warning" and "picture" in line["event"]]
    assert [line["event"] for line in told] == [
        "a camera's picture is shown",
        "a camera's picture is no longer shown",
    ]
    assert (told[0]["camera"], told[0]["minutes"], bool(told[0]["user"])) == ("dock-3", 2.0, True)


def is_picture(path: str, body: bytes) -> bool:
    return path.endswith(".jpg") and body.startswith(b"\xff\xd8\xff")


def assert_no_picture(sent: list[tuple[str, bytes]]) -> None:
    """All that was sent is text; of people lines, a circle and a zone's name."""
    assert any("/live/" in path for path, _ in sent)
    for path, body in list(sent):
        text = body.decode()
        assert "base64," not in text
        if "/live/" in path:
            live = json.loads(text)
            assert live.keys() == LIVE_FIELDS
            assert all(person.keys() == BODY_FIELDS for person in live["bodies"])


def test_a_mask_that_was_saved_blanks_the_picture(setup: Setup, page: Page) -> None:
    page.focus("#add-masks")
    page.keyboard.press("Enter")
    page.keyboard.type("0 0, 0.5 0, 0.5 1, 0 1")
    page.click("#save")
    expect(page.locator("#said")).to_contain_text("Saved.")
    page.click("#show")
    page.click("#yes")
    path = f"{setup.server.door.folder}picture/dock-3.jpg"

    def half_is_blank() -> bool:
        """Once nobody is drawn there any more, and no verdict of before."""
        status, body = ask(setup, "GET", path, let_in(setup))
        seen = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR) if status == 200 else None
        middle = WIDTH_PX // 2
        return seen is not None and bool(seen[:, : middle - 8].max() < 30 and seen[:, middle + 8 :].max() > 60)

    wait_for("a picture with a blank half", half_is_blank, 30)
    expect(page.locator("#show")).to_have_text("Hide the picture")
    page.click("#show")
    expect(page.locator("#show")).to_have_text("Show the picture…")
    assert setup.aims.cameras["dock-3"].shutter.left_s == 0


def test_nobody_gets_in_but_the_one_browser_that_was_given_the_address(
    setup: Setup, installer: BrowserContext
) -> None:
    folder, entered = setup.server.door.folder, let_in(setup)
    site = f"{folder}site"
    assert ask(setup, "GET", site, entered)[0] == 200
    used = setup.address.removeprefix(f"http://127.0.0.1:{setup.port}")
    for path in (used, "/open/x", "/", folder, site, f"{folder}live/dock-3", f"{folder}picture/dock-3.jpg"):
        assert ask(setup, "GET", path, {})[0] == 403, path
    assert ask(setup, "GET", site, {"Cookie": f"{COOKIE}=guess"})[0] == 403
    assert ask(setup, "GET", site, entered | {"Host": f"evil.example:{setup.port}"})[0] == 400
    assert ask(setup, "GET", site, entered | {"Sec-Fetch-Site": "cross-site"})[0] == 403
    (cookie,) = [found for found in installer.cookies() if found["name"] == COOKIE]
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", folder)


@pytest.mark.parametrize(
    "changed",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {CSRF_HEADER: "guess"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example"},
        {"Content-Type": "text/plain"},
    ],
    ids=lambda changed: " ".join(*changed.items()),
)
def test_another_sites_page_can_ask_for_nothing(setup: Setup, changed: dict[str, str]) -> None:
    body = json.dumps({"camera": "dock-3", "on": True})
    status, said = ask(setup, "POST", f"{setup.server.door.folder}show", let_in(setup) | changed, body)
    assert status in {400, 403, 415}
    assert b"left_s" not in said
    assert setup.aims.cameras["dock-3"].shutter.left_s == 0


def test_the_page_itself_may_ask(setup: Setup) -> None:
    path, body = f"{setup.server.door.folder}show", json.dumps({"camera": "dock-3", "on": True})
    assert ask(setup, "POST", path, let_in(setup) | {"Sec-Fetch-Site": "same-origin"}, body) == (
        200,
        b'{"left_s":120.0}',
    )
    assert ask(setup, "POST", path, let_in(setup), body.replace("true", "false")) == (200, b'{"left_s":0.0}')


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("save", "x" * 300_000, 413),
        ("save", "[" * 100_000, 400),
        ("save", '{"version": "", "camera": "dock-3", "floor": {"zones": [], "masks": []}, "more": 1}', 400),
        ("save", '{"version": "", "camera": "gate", "floor": {"zones": [], "masks": []}}', 409),
        ("show", '{"camera": "gate", "on": true}', 404),
        ("restore", "{}", 400),
    ],
)
def test_what_the_page_would_not_send_is_refused(setup: Setup, path: str, body: str, status: int) -> None:
    before = setup.path.read_text()
    assert ask(setup, "POST", f"{setup.server.door.folder}{path}", let_in(setup), body)[0] == status
    assert setup.path.read_text() == before


def test_no_other_machine_reaches_it(setup: Setup) -> None:
    others = {str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in {"127.0.0.2", *others} - {"127.0.0.1"}:
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((address, setup.port), timeout=2)


def test_nothing_but_its_own_style_and_script_runs(setup: Setup, page: Page) -> None:
    policy = (page.request.get(setup.url).headers)["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.run = 1'}))"
    )
    assert page.evaluate("window.run") is None
    setup.said.clear()  # Chromium tells of what was blocked


@pytest.mark.parametrize("size", SIZES)
def test_it_fits_and_speaks_on_any_screen(setup: Setup, installer: BrowserContext, size: str) -> None:
    page = setup.page(installer, SIZES[size])
    expect(page.locator("#people .feet").first).to_be_attached()
    draw_hall(page)
    page.get_by_label("Corners").last.fill("0 0, 1 1")
    page.click("#save")
    expect(page.locator("[aria-invalid=true]")).to_have_count(1)
    assert flaws(page) == []
    assert sticking_out(page) == []
    assert min(letters_px(page)) >= 11
    assert (
        page.evaluate("[...document.querySelectorAll('input, select')].filter((each) => !each.labels.length).length")
        == 0
    )
    page.close()


def test_it_says_how_the_camera_is_and_what_to_change(page: Page) -> None:
    row = page.locator("#cameras tr").first
    expect(row).to_contain_text(re.compile(r"dock-3up.*1280 × 720 px, [\d.]+ looks a second, \d+ ms each, on CPU"))
    expect(page.locator("#advice")).to_contain_text(re.compile(r"✓ Good: people are 3\d\d pixels tall"))
    expect(page.locator("#advice")).to_contain_text("✓ Good: feet are in view")
    expect(page.locator("#figures")).to_contain_text(re.compile(r"Grey levels1\d\d of 256, noise 0\.\d"))


def test_a_camera_that_is_down_says_why_and_no_password(page: Page) -> None:
    row = page.locator("#cameras tr").nth(1)
    expect(row).to_contain_text("refused the connection: check the port")
    page.select_option("#camera", "yard")
    expect(page.locator("#advice")).to_contain_text("nobody was seen so far")
    assert "s3cret" not in page.content()


def test_a_zone_of_few_people_is_warned_of(page: Page) -> None:
    expect(page.locator("#weak")).to_contain_text("nobody has said how many people work in yard")
    page.fill("#zones-0-workers", "2")
    page.click("#save")
    expect(page.locator("#weak")).to_contain_text("zone gate has 2 at work: its counts tell about them")


def test_what_is_drawn_for_one_camera_waits_while_another_is_saved(setup: Setup, page: Page) -> None:
    draw_hall(page)
    page.select_option("#camera", "yard")
    expect(page.locator("#floor polygon")).to_have_count(0)
    page.click("#add-zones")
    click_corners(page, HALL)
    page.click("#save")
    expect(page.locator("#said")).to_contain_text("Saved.")
    assert "{name: yard, " in setup.path.read_text()
    assert "zones: [{name: zone-1, polygon: [[" in setup.path.read_text()
    assert "hall" not in setup.path.read_text()
    page.select_option("#camera", "dock-3")
    expect(page.locator("#zones-1-name")).to_have_value("hall")
    page.click("#save")
    expect(page.locator("#who li").first).to_have_text("Feet in hall")


def test_a_taken_port_is_said(setup: Setup, taken_port: int) -> None:
    with pytest.raises(InputError, match="cannot serve the page") as error:
        Listening(setup.server, taken_port)
    assert "--port" in error.value.fix


def test_the_command_prints_an_address_names_the_user_and_ends_by_itself(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(f"cameras: [{{name: dock, source: {DEMO_CLIP}}}]\n")
    words = ["setup", "--config", str(file), "--minutes", "0.1", "--port", "0"]
    command = [sys.executable, "-c", "from edge_agent.cli import main; main()", *words]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    ) as running:
        assert running.stdout is not None
        address, elsewhere = running.stdout.readline().strip(), running.stdout.readline()
        port = address.split(":")[2].partition("/")[0]
        assert f"ssh -L {port}:127.0.0.1:{port} THIS-BOX" in elsewhere
        with pytest.raises(OSError, match="403"):  # urllib takes no cookie along
            urlopen(address, timeout=10)
        _, log = running.communicate(timeout=60)
    assert running.returncode == 0
    events = [json.loads(line) for line in log.splitlines()]
    served, *_, ended = [line for line in events if "page" in line["event"]]
    assert (served["event"], bool(served["user"]), served["minutes"]) == ("the setup page is served", True, 0.1)
    assert ended["event"] == "the setup page has ended"
    assert "open/" not in log
    assert list(tmp_path.iterdir()) == [file]
