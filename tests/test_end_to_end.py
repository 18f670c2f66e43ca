"""A lift before the camera becomes a number in Prometheus, through every process and every failure on the way."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest

from tests.demo_clip import FIRST_LIFT_S, by_side, demo_frames, true_lifts, write_clip
from tests.demo_day import PROGRAM, DemoDay, site_file
from tests.services import free_port, sample

LIFT_TYPES: dict[str, tuple[type, ...]] = {
    "person": (int,),
    "start_s": (float,),
    "peak_s": (float,),
    "end_s": (float,),
    "center_x": (float,),
    "technique": (str,),
    "confidence": (float, int),
    "view": (str,),
    "view_from_side_deg": (float, type(None)),
    "trunk_inclination_deg": (float, type(None)),
    "spine_flexion_deg": (float, type(None)),
    "knee_flexion_deg": (float, type(None)),
    "reasons": (list,),
}
"""The contract ``hingewatch.analysis/1`` in its order."""


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=90, check=False)


def test_every_lift_is_counted_once_in_its_zone_under_its_technique(demo_day: DemoDay) -> None:
    seen = {place: count for place, count in demo_day.counters.items() if count}
    assert seen == by_side(true_lifts())
    assert demo_day.prometheus_sum == len(true_lifts())


def test_counters_start_at_zero_so_that_increase_sees_the_first_lift(demo_day: DemoDay) -> None:
    techniques = ("hinge", "squat", "rounded_back", "unknown")
    assert set(demo_day.counters) == {(zone, technique) for zone in ("left", "right") for technique in techniques}


def test_a_lift_seen_while_the_broker_was_down_waited_in_the_outbox(demo_day: DemoDay) -> None:
    assert demo_day.waiting_without_broker >= 1
    assert 'edge_agent_mqtt_connect_failures_total{cause="unreachable"} 0.0' not in demo_day.agent_page
    assert "edge_agent_mqtt_connected 1.0" in demo_day.agent_page


def test_how_long_lifts_take_is_measured_on_their_way(demo_day: DemoDay) -> None:
    assert (sample(demo_day.agent_page, "edge_agent_lift_latency_seconds_count") or 0) >= len(true_lifts())
    assert (sample(demo_day.agent_page, "edge_agent_delivery_seconds_count") or 0) >= 1


def test_a_dead_camera_is_shown_and_stops_nobody(demo_day: DemoDay) -> None:
    assert 'edge_agent_camera_up{camera="dock"} 1.0' in demo_day.agent_page
    assert 'edge_agent_camera_up{camera="gate"} 0.0' in demo_day.agent_page
    (said,) = (line for line in demo_day.agent_log if line["event"] == "camera down" and line["camera"] == "gate")
    assert said["what"] == "refused the connection"
    assert said["fix"]


def test_who_is_asked_to_stop_says_goodbye(demo_day: DemoDay) -> None:
    assert demo_day.exit_codes == {"agent": 0, "bridge": 0}
    assert demo_day.agent_up == [1, 0]
    assert {line["level"] for line in demo_day.agent_log} <= {"info", "warning"}


@pytest.fixture(scope="module")
def analysed(tmp_path_factory: pytest.TempPathFactory, first_lift_clip: Path) -> tuple[Any, Path]:
    """The account of the clip with one lift, and the folder with picture and report."""
    folder = tmp_path_factory.mktemp("analysed")
    said = run(
        "analyze", first_lift_clip, "--json", "-", "--video", folder / "seen.mp4", "--report", folder / "seen.html"
    )
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout), folder


def test_the_account_of_a_clip_is_the_contract(analysed: tuple[Any, Path]) -> None:
    account, _ = analysed
    assert list(account) == ["schema", "video", "duration_s", "fps", "frames", "people", "lifts"]
    assert account["schema"] == "hingewatch.analysis/1"
    assert account["video"] == "first-lift.mp4"
    assert account["duration_s"] == pytest.approx(FIRST_LIFT_S, abs=0.1)
    assert account["fps"] == pytest.approx(15)
    assert (account["frames"], account["people"]) == (round(FIRST_LIFT_S * 15), 2)
    (lift,) = account["lifts"]
    assert list(lift) == list(LIFT_TYPES)
    assert [name for name, types in LIFT_TYPES.items() if not isinstance(lift[name], types)] == []
    assert lift["technique"] == "hinge"
    assert lift["start_s"] < lift["peak_s"] < lift["end_s"]
    assert 0 <= lift["confidence"] <= 1
    assert lift["view"] in {"side", "oblique", "end", "unknown"}
    assert all(isinstance(reason, str) and reason for reason in lift["reasons"])


def test_the_picture_of_a_clip_plays_and_its_report_stands_alone(analysed: tuple[Any, Path]) -> None:
    account, folder = analysed
    with av.open(str(folder / "seen.mp4")) as container:
        times_s = [picture.time for picture in container.decode(video=0)]
    assert account["frames"] / 4 <= len(times_s) <= account["frames"]  # those that were looked at
    assert times_s[-1] == pytest.approx(account["duration_s"], abs=0.3)
    report = (folder / "seen.html").read_text()
    assert "hinge" in report.lower()
    assert 'src="http' not in report


def assert_two_lines(said: subprocess.CompletedProcess[str], *words: str) -> None:
    assert said.returncode == 2, said.stderr
    assert said.stdout == ""
    error, fix = said.stderr.splitlines()
    assert error.startswith("error: ")
    assert fix.startswith("fix: ")
    for word in words:
        assert word in said.stderr


def content_of(kind: str, clip: Path) -> bytes:
    whole = clip.read_bytes()
    return {"empty": b"", "text": b"not a video at all\n" * 99, "cut in its index": whole[:600]}[kind]


@pytest.mark.parametrize("kind", ["empty", "text", "cut in its index"])
def test_what_is_no_video_is_said_in_two_lines(tmp_path: Path, first_lift_clip: Path, kind: str) -> None:
    clip = tmp_path / "wrong.mp4"
    clip.write_bytes(content_of(kind, first_lift_clip))
    assert_two_lines(run("analyze", clip, "--json", "-"), "wrong.mp4")


def test_a_clip_that_was_cut_off_gives_what_there_is_and_says_so(tmp_path: Path, first_lift_clip: Path) -> None:
    clip = tmp_path / "short.mp4"
    clip.write_bytes(first_lift_clip.read_bytes()[: first_lift_clip.stat().st_size * 8 // 10])
    said = run("analyze", clip, "--json", "-")
    assert said.returncode == 0
    account, warning = json.loads(said.stdout), json.loads(said.stderr.splitlines()[0])
    assert warning["event"] == "video was cut off"
    assert warning["fix"]
    (lift,) = account["lifts"]
    assert lift["end_s"] == pytest.approx(warning["seen_s"], abs=0.1)
    assert "Traceback" not in said.stderr


@pytest.mark.parametrize("output", ["--json", "--video", "--report"])
def test_an_output_that_cannot_be_written_is_said_before_the_work(
    tmp_path: Path, first_lift_clip: Path, output: str
) -> None:
    there = tmp_path / "missing" / "out"
    assert_two_lines(run("analyze", first_lift_clip, output, there), str(there))


def test_one_file_is_not_written_twice(tmp_path: Path, first_lift_clip: Path) -> None:
    said = run("analyze", first_lift_clip, "--json", tmp_path / "out", "--report", tmp_path / "out")
    assert_two_lines(said, "two outputs are called")


def test_an_account_that_does_not_fit_on_the_disk_is_said_in_two_lines(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "short.mp4", [frame.image for frame in demo_frames(0.3)])
    with Path("/dev/full").open("w") as full:
        command = [*PROGRAM, "analyze", str(clip), "--json", "-"]
        said = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=90, check=False)
    said.stdout = ""
    assert_two_lines(said, "cannot write to stdout: No space left")


def test_the_clip_itself_is_never_overwritten(first_lift_clip: Path) -> None:
    before = first_lift_clip.read_bytes()
    assert_two_lines(run("analyze", first_lift_clip, "--video", first_lift_clip), "is the input itself")
    assert first_lift_clip.read_bytes() == before


def test_an_altered_model_is_refused(
    tmp_path: Path, first_lift_clip: Path, copied_models: Callable[[Path], Path]
) -> None:
    folder = copied_models(tmp_path / "models")
    model = folder / "pose_landmark_full.tflite"
    spoilt = bytearray(model.read_bytes())
    spoilt[1000] ^= 1
    model.write_bytes(spoilt)
    site = site_file(tmp_path, {"dock": str(first_lift_clip)}, free_port(), pose={"models_dir": str(folder)})
    for command in (("analyze", first_lift_clip), ("run",)):
        assert_two_lines(run(*command, "--config", site), "pose-landmarker-full is altered", "models pull")


WRONG_SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "unwritable outbox": ({"outbox": {"path": "{folder}/site.yaml/outbox.sqlite"}}, "outbox.sqlite"),
    "unknown key": ({"privacy": {"min_lift": 3}}, "did you mean `min_lifts`"),
    "impossible polygon": (
        {
            "cameras": [
                {
                    "name": "dock",
                    "source": "0",
                    "zones": [{"name": "bow-tie", "polygon": [[0, 0], [1, 1], [1, 0], [0, 1]]}],
                }
            ]
        },
        "crosses",
    ),
    "no camera that can be read": (
        {"cameras": [{"name": "dock", "source": "{folder}/nowhere.mp4"}]},
        "nowhere.mp4 does not exist",
    ),
    "port that is taken": ({"metrics": {"port": "{taken}"}}, "cannot serve metrics"),
}


@pytest.mark.parametrize(("sections", "words"), WRONG_SETTINGS.values(), ids=WRONG_SETTINGS.keys())
def test_settings_that_cannot_work_are_said_in_two_lines(
    tmp_path: Path, first_lift_clip: Path, taken_port: int, sections: dict[str, Any], words: str
) -> None:
    told = json.loads(json.dumps(sections).replace("{folder}", str(tmp_path)).replace('"{taken}"', str(taken_port)))
    site = site_file(tmp_path, {"dock": str(first_lift_clip)}, free_port(), **told)
    said = run("run", "--config", site)
    said.stderr = "\n".join(line for line in said.stderr.splitlines() if not line.startswith("{"))
    assert_two_lines(said, words)
