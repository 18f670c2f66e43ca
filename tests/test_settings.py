"""A site's file: what it may say, and what is said back when it is wrong."""

import math
import os
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from edge_agent.core.polygon import flaw
from edge_agent.errors import InputError
from edge_agent.settings import Settings
from edge_agent.settings_file import SettingsError, load

EXAMPLE = Path(__file__).parents[1] / "configs" / "example.yaml"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "site.yaml"


def flaws_of(path: Path) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load(path, {})
    return [f"{flaw.what} | {flaw.fix}" for flaw in raised.value.flaws]


def test_the_example_is_the_defaults_and_explains_every_key() -> None:
    assert load(EXAMPLE, {}) == Settings()

    lines = EXAMPLE.read_text().splitlines()
    written = yaml.safe_load("\n".join(lines))
    assert written.keys() == Settings.model_fields.keys()
    for name in written.keys() - {"site", "agent", "cameras"}:
        section = type(getattr(Settings(), name))
        assert written[name].keys() == section.model_fields.keys() - {"password"}
    keys = [index for index, line in enumerate(lines) if re.match(r" *[a-z_]+:", line)]
    assert all(lines[index - 1].lstrip().startswith("#") for index in keys)


def test_the_examples_commented_camera_works_when_the_comment_signs_go(site: Path) -> None:
    lines = EXAMPLE.read_text().splitlines()
    camera = [line[1:] for line in lines if line.startswith("#   ")]
    site.write_text("\n".join(["cameras:", *camera]))

    (dock,) = load(site, {"DOCK_3_PASSWORD": "s3cret"}).cameras

    assert dock.source == "rtsp://viewer:s3cret@192.0.2.10/stream1"
    assert dock.zones[0].name == "pallet-line"
    assert dock.model_dump(exclude={"name", "source", "zones", "masks"}) == {
        "rate_hz": 15.0, "height_px": 720, "open_timeout_s": 10.0, "stall_timeout_s": 3.0,
    }  # fmt: skip


def test_every_flaw_is_reported_at_once_with_its_line_and_a_cure(site: Path) -> None:
    site.write_text(
        "site: My Site\n"
        "privacy:\n"
        "  bukcet_s: 60\n"
        "  min_lifts: 0\n"
        "cameras:\n"
        "  - name: dock\n"
        "    source: rtsp://u:${NOT_SET}@camera/\n"
        "  - name: gate\n"
        "mqtt:\n"
        "  password: hunter2\n"
    )
    flaws = flaws_of(site)

    def flaw_on(line: int) -> str:
        (found,) = [flaw for flaw in flaws if flaw.startswith(f"{site}:{line}: ")]
        return found

    assert len(flaws) == 6
    assert "site: not a fit name" in flaw_on(1)
    assert flaw_on(3).endswith("unknown key `bukcet_s` in privacy | did you mean `bucket_s`?")
    assert "min_lifts: input should be greater than or equal to 1 (is 0)" in flaw_on(4)
    assert "variable NOT_SET is not set" in flaw_on(7)
    assert "cameras[1].source: missing | add it" in flaw_on(8)
    assert "password_file" in flaw_on(10)
    assert "hunter2" not in "".join(flaws)


@pytest.mark.parametrize(
    ("polygon", "complaint"),
    [
        ("[[0, 0], [1, 1], [1, 0], [0, 1]]", "edge 1 crosses edge 3"),
        ("[[0, 0], [0.5, 0.5], [1, 1]]", "area is zero"),
        ("[[0, 0], [1, 0], [1, 1.5]]", "less than or equal to 1 (is 1.5)"),
        ("[[0, 0], [1, 0, 1], [1, 1]]", "[1]: has too many entries"),
        ("[[0, 0], [1, a], [1, 1]]", "must be a number"),
        ("[[0, 0], [1, 0]]", "too few"),
        ("[[0, 0], [1, 0], [.nan, 1]]", "finite"),
    ],
)
def test_an_impossible_polygon_is_refused(site: Path, polygon: str, complaint: str) -> None:
    for areas in f"zones: [{{name: line, polygon: {polygon}}}]", f"masks: [{polygon}]":
        site.write_text(f"cameras:\n  - name: dock\n    source: 0\n    {areas}\n")
        (flaw,) = flaws_of(site)
        assert complaint in flaw


@given(st.lists(st.integers(0, 359), min_size=3, max_size=9, unique=True))
def test_corners_taken_in_order_around_a_centre_never_cross(angles_deg: list[int]) -> None:
    angles = [math.radians(angle) for angle in sorted(angles_deg)]
    corners = [(0.5 + math.cos(a) / 2, 0.5 + math.sin(a) / 2) for a in angles]
    assert "crosses" not in (flaw(corners) or "")
    assert "given twice" in (flaw([*corners, corners[0]]) or "")


def test_a_password_may_hold_any_sign(site: Path) -> None:
    site.write_text(
        "cameras:\n"
        "  - {name: dock, source: 'rtsp://${USER}:${PASSWORD}@10.0.0.7/${PATH_}'}\n"
        "  - {name: gate, source: '${WHOLE}'}\n"
    )
    environ = {"USER": "a", "PASSWORD": "p@ss/w?rd#1%:", "PATH_": "live/1?x=2", "WHOLE": "rtsp://u:p@10.0.0.8/live"}
    dock, gate = load(site, environ).cameras
    assert dock.source == "rtsp://a:p%40ss%2Fw%3Frd%231%25%3A@10.0.0.7/live/1?x=2"
    assert gate.source == environ["WHOLE"]


def test_an_address_nobody_can_watch_is_refused(site: Path) -> None:
    site.write_text("cameras:\n  - {name: dock, source: 'htp://u:hunter2@10.0.0.7/live'}\n")
    (flaw,) = flaws_of(site)
    assert "unknown kind of address htp://" in flaw
    assert flaw.endswith("use one of rtsp, rtsps, http, https")
    assert "hunter2" not in flaw


def test_who_watches_no_camera_need_not_know_their_passwords(site: Path) -> None:
    """The bridge may run on another machine, with the same file."""
    site.write_text("site: leeds\ncameras:\n  - {name: dock, source: 'rtsp://u:${NOT_SET}@10.0.0.7/live'}\n")
    assert "NOT_SET" in flaws_of(site)[0]
    settings = load(site, {}, cameras=False)
    assert (settings.site, settings.cameras) == ("leeds", ())


def test_names_must_differ(site: Path) -> None:
    site.write_text("cameras:\n  - {name: dock, source: 0}\n  - {name: dock, source: 1}\n")
    assert "two cameras are called dock" in flaws_of(site)[0]

    zone = "{name: line, polygon: [[0, 0], [1, 0], [1, 1]]}"
    site.write_text(f"cameras:\n  - name: dock\n    source: 0\n    zones: [{zone}, {zone}]\n")
    assert "two zones are called line" in flaws_of(site)[0]

    site.write_text("site: one\nsite: two\n")
    assert ":2: `site` is given twice" in flaws_of(site)[0]


@pytest.mark.parametrize("text", ["cameras: [", "- a list", "\tsite: a", "5", "a: &a [*a]"])
def test_what_is_no_settings_file_is_one_line_of_what_and_one_of_what_to_do(site: Path, text: str) -> None:
    site.write_text(text)
    with pytest.raises(InputError) as raised:
        load(site, {})
    assert str(site) in raised.value.what
    assert "\n" not in raised.value.what + raised.value.fix


def test_the_password_comes_from_the_variable_before_the_file_and_never_shows(site: Path) -> None:
    secret = site.with_name("password")
    secret.write_text("from-file\n")
    secret.chmod(0o600)
    site.write_text(f"mqtt: {{password_file: {secret}}}\n")

    def password(environ: dict[str, str]) -> str | None:
        settings = load(site, environ)
        assert "from-" not in repr(settings) + settings.model_dump_json()
        return settings.mqtt.password.get_secret_value() if settings.mqtt.password else None

    assert password({}) == "from-file"
    assert password({"HINGEWATCH_MQTT_PASSWORD": "from-variable"}) == "from-variable"
    assert load(None, {}).mqtt.password is None

    secret.chmod(0o644)
    with capture_logs() as logs:
        assert password({}) == "from-file"
    assert logs[0]["event"] == "every user of this machine can read the password file"

    secret.write_text("\n")
    with pytest.raises(InputError, match="is empty"):
        load(site, {})
    secret.unlink()
    with pytest.raises(InputError, match="cannot read the password file"):
        load(site, {})


def test_a_tilde_is_the_users_home(site: Path) -> None:
    site.write_text("outbox: {path: ~/outbox.sqlite}\n")
    assert load(site, {}).outbox.path == Path(os.environ["HOME"], "outbox.sqlite")
    assert load(None, {}).pose.models_dir.is_absolute()
