"""What the whole benchmark concludes from its readings; nothing here is measured."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_agent.errors import InputError
from scripts.bench import compare, crowd, soak, streams
from scripts.bench.command import ended
from scripts.bench.figures import between, late_share, next_try, quantile_ms, slope
from scripts.bench.live import Reading, reading
from scripts.bench.page import write_soak_report, write_whole_report
from scripts.bench.run import KEYS, assembled


def tried(limit: int, most: int = 64) -> list[int]:
    """Which numbers of cameras are tried on a box that can take so many."""
    ok: dict[int, bool] = {}
    while (cameras := next_try(ok, most)) is not None:
        assert cameras not in ok, "no number twice"
        ok[cameras] = cameras <= limit
    return list(ok)


@pytest.mark.parametrize(
    ("limit", "cameras"),
    [
        (0, [1]),
        (1, [1, 2]),
        (6, [1, 2, 4, 8, 6, 7]),
        (9, [1, 2, 4, 8, 16, 12, 10, 9]),
        (64, [1, 2, 4, 8, 16, 32, 64]),
    ],
)
def test_cameras_are_doubled_then_halved_until_the_limit_is_known(limit: int, cameras: list[int]) -> None:
    assert tried(limit) == cameras


def test_many_cameras_are_told_to_an_eighth() -> None:
    assert tried(27) == [1, 2, 4, 8, 16, 32, 24, 28, 26]


@pytest.mark.parametrize(
    ("due", "looked_at", "dropped", "share"),
    [
        pytest.param(300, 300, {}, 0.0, id="all looked at"),
        pytest.param(300, 270, {"rate": 30.0}, 0.0, id="above the rate was not due"),
        pytest.param(300, 270, {"newer_frame": 30.0}, 0.1, id="overtaken"),
        pytest.param(300, 270, {}, 0.1, id="decoded too slowly"),
        pytest.param(300, 302, {}, 0.0, id="two frames more at the window's edges"),
        pytest.param(0, 0, {}, 1.0, id="nothing came: nothing is well"),
    ],
)
def test_late_is_what_was_overtaken_or_did_not_come(
    due: float, looked_at: float, dropped: dict[str, float], share: float
) -> None:
    assert late_share(due, looked_at, dropped) == pytest.approx(share)


def test_a_slope_is_told_with_its_error() -> None:
    times_s = [60.0 * minute for minute in range(61)]
    steady = slope(times_s, [300 + 5 * time_s / 3600 for time_s in times_s])
    assert steady is not None
    assert steady.per_h == pytest.approx(5)
    assert steady.stderr_per_h == pytest.approx(0, abs=1e-6)

    noise = np.random.default_rng(4).normal(300, 1, 61)
    flat = slope(times_s, list(noise))
    assert flat is not None
    assert abs(flat.per_h) < 3 * flat.stderr_per_h
    assert flat.stderr_per_h == pytest.approx(0.44, rel=0.3), "1 MB of noise, 61 readings over one hour"
    assert slope([0, 1], [1, 2]) is None
    assert slope([3, 3, 3], [1, 2, 3]) is None


def test_quantiles_lie_within_their_bucket() -> None:
    buckets = {0.1: 50.0, 0.2: 90.0, 0.5: 100.0, math.inf: 100.0}
    assert quantile_ms(buckets, 0.5) == pytest.approx(100)
    assert quantile_ms(buckets, 0.7) == pytest.approx(150)
    assert quantile_ms(buckets, 0.99) == pytest.approx(470)
    assert quantile_ms({0.1: 0.0, math.inf: 3.0}, 0.5) is None, "beyond the last bound: not known"
    assert quantile_ms({0.1: 0.0, math.inf: 0.0}, 0.5) is None
    assert quantile_ms({}, 0.5) is None
    assert between({0.1: 2.0}, {0.1: 5.0, math.inf: 7.0}) == {0.1: 3.0, math.inf: 7.0}


def test_an_agents_page_is_read() -> None:
    page = """# TYPE edge_agent_frames_total counter
edge_agent_frames_total{camera="a"} 10.0
edge_agent_frames_total{camera="b"} 5.0
edge_agent_frames_total{camera="flapping"} 3.0
# TYPE edge_agent_people_shown_until_timestamp_seconds gauge
edge_agent_people_shown_until_timestamp_seconds 1795762800.0
# TYPE edge_agent_frames_dropped_total counter
edge_agent_frames_dropped_total{camera="a",reason="newer_frame"} 2.0
edge_agent_frames_dropped_total{camera="b",reason="newer_frame"} 1.0
edge_agent_frames_dropped_total{camera="b",reason="rate"} 4.0
# TYPE edge_agent_camera_up gauge
edge_agent_camera_up{camera="a"} 1.0
edge_agent_camera_up{camera="b"} 0.0
# TYPE edge_agent_camera_blind_seconds counter
edge_agent_camera_blind_seconds_total{camera="a"} 0.5
edge_agent_camera_blind_seconds_total{camera="flapping"} 30.0
# TYPE edge_agent_camera_reconnects counter
edge_agent_camera_reconnects_total{camera="flapping"} 2.0
# TYPE edge_agent_delivery_seconds histogram
edge_agent_delivery_seconds_bucket{le="0.1"} 3.0
edge_agent_delivery_seconds_bucket{le="+Inf"} 4.0
edge_agent_delivery_seconds_count 4.0
edge_agent_delivery_seconds_sum 1.0
"""
    now = reading(page, 1)
    assert (now.frames, now.cameras_up, now.shown_s) == (15, 1, 1795762800)
    assert (now.blind_s, now.reconnects) == (0.5, 2)
    assert now.dropped == {"newer_frame": 3, "rate": 4}
    assert (now.to_broker, now.to_outbox) == ({0.1: 3, math.inf: 4}, {})
    assert now.rss_mb > 0


def at(seconds: float, rss_mb: float) -> Reading:
    """A reading of a box with four cameras that misses nothing."""
    told = seconds // 10
    return Reading(
        at_s=1000 + seconds,
        shown_s=5000 + seconds,
        cameras_up=4,
        frames=60 * seconds,
        dropped={"rate": 0.0, "newer_frame": 0.0},
        blind_s=0.0,
        reconnects=seconds // 60,
        to_outbox={0.05: told, math.inf: told},
        to_broker={0.01: told, math.inf: told},
        cpu_s=seconds,
        machine_s=1.5 * seconds,
        rss_mb=rss_mb,
    )


@pytest.fixture
def live() -> dict[str, Any]:
    readings = [at(second, 300 + (30 if second < 20 else 0)) for second in range(61)]
    load = streams.load_of(4, readings[0], readings[-1], 1.2)
    steps = [streams.as_dict(load)]
    held = streams.as_dict(load) | streams.memory(readings, 60)
    held |= {"latency_ms": streams.latencies(readings[0], readings[-1]), "reconnects_of_flapping": 0}
    return {
        "cameras_ok": 4,
        "idle": streams.as_dict(load),
        "steps": steps,
        "hold": held,
        "half_still": streams.as_dict(load),
    }


def test_a_steady_run_is_told_without_its_warm_up(live: dict[str, Any]) -> None:
    held = live["hold"]
    assert held["ok"]
    assert (held["cores"], held["other_cores"], held["late_share"], held["frames_per_s"]) == (1.0, 0.5, 0.0, 60.0)
    assert (held["warm_up_s"], held["rss_slope_mb_per_h"]) == (20, 0.0)
    assert held["latency_ms"]["to_outbox"] == {"p50": 25.0, "p95": 47.5, "p99": 49.5, "count": 6}
    assert held["latency_ms"]["sum_p99"] == pytest.approx(49.5 + 9.9)


def test_an_hour_is_read_a_hundred_times_and_a_minute_every_second() -> None:
    assert streams.waits(3600) == [36.0] * 100
    assert streams.waits(60) == [1.0] * 60
    assert sum(streams.waits(0.5)) == 0.5


def test_the_page_of_an_hour_says_whether_the_camera_without_power_disturbed_the_others(
    live: dict[str, Any], tmp_path: Path
) -> None:
    held = live["hold"] | {"reconnects_of_flapping": 59, "blind_s_of_others": 0.0}
    figures = soak.assembled(Path("clip.mp4"), 60, held) | {"began_at": "2026-11-30T23:00:00+00:00"}
    write_soak_report(tmp_path / "soak.html", figures)
    page = (tmp_path / "soak.html").read_text(encoding="utf-8")
    for told in ("came back 59 times", "blind for 0.0 s", "0.0 MB an hour", "soak clip.mp4", "took 0.5 cores"):
        assert told in page


def test_a_run_too_short_to_tell_says_so_with_a_dash(
    live: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    unknown: dict[str, Any] = {"rss_slope_mb_per_h": None, "rss_slope_stderr_mb_per_h": None}
    unknown |= {"latency_ms": streams.latencies(at(0, 300), at(1, 300)), "blind_s_of_others": 0.0}
    soak.show(live["hold"] | unknown)
    said = capsys.readouterr().out
    assert "growing by – MB an hour" in said
    assert "told within – ms" in said


def test_a_benchmark_ends_with_its_time_or_with_an_error_and_its_cure(capsys: pytest.CaptureFixture[str]) -> None:
    def refused() -> None:
        raise InputError("no such clip", "name one that plays")

    assert ended(lambda: None) == 0
    assert capsys.readouterr().err.startswith("done in 0.0 min")
    assert ended(refused) == InputError.exit_code
    assert capsys.readouterr().err == "error: no such clip\nfix: name one that plays\n"


def test_a_percentile_that_is_not_known_is_not_made_up() -> None:
    assert streams.latencies(at(0, 300), at(1, 300))["sum_p99"] is None


OURS = {
    "video": "clip.mp4", "frames": 100, "person_frames": 100, "cpu_ms_after_decode": 1000.0, "share_of_bound": 0.9,
    "cpu_ms": {"decode": 50.0, "detect": 1000.0}, "cpu_ms_bound": {"detect": 900.0}, "cpu_ms_per_person_frame": 10.0,
}  # fmt: skip


def test_the_whole_benchmark_holds_its_keys_and_draws_its_page(live: dict[str, Any], tmp_path: Path) -> None:
    theirs = {"frames": 100, "person_frames": 50, "cpu_ms": 1000.0, "versions": {"mediapipe": "0.10"}}
    runs = {compare.OURS: [OURS] * 3, compare.POSE: [theirs] * 3, compare.POSE_AND_MASK: [theirs] * 3}
    people = [{"people": n, "followed": float(n), "cpu_ms_per_frame": 10.0 * n} for n in crowd.PEOPLE]
    figures = assembled(Path("clip.mp4"), runs, people, live) | {"began_at": "2026-11-26T16:01:42+00:00"}

    assert set(KEYS) <= set(json.loads(json.dumps(figures, allow_nan=False)))
    assert figures["ratio_to_mediapipe"] == 0.5
    assert figures["most_other_cores"] == 0.5
    assert (figures["share_of_bound"], figures["cameras_ok"], figures["rss_mb"]) == (0.9, 4, 300.0)
    write_whole_report(tmp_path / "bench.html", figures)
    page = (tmp_path / "bench.html").read_text(encoding="utf-8")
    for told in ("0.50", "90%", "59 ms", "mediapipe pose: 20.0 ms", "4 cameras: 300.0 MB", "8.0 followed: 80.0 ms"):
        assert told in page


def test_as_many_people_as_asked_are_pasted_into_pictures_of_one_size() -> None:
    scene = np.zeros((720, 1280, 3), np.uint8)
    scene[:, :490], scene[:, 750:] = 200, 200
    scenes = [crowd.Scene.of(scene)] * (crowd.FRAMES + 8 * crowd.STEP_FRAMES)
    for people in crowd.PEOPLE:
        frame = next(crowd.pasted(scenes, people))
        assert frame.image.shape == (720, 1280, 3)
        places = frame.image.reshape(2, 360, 4, 320, 3).mean(axis=(1, 3, 4))
        assert np.count_nonzero(places > 100) == people
