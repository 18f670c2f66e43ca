"""The benchmark's figures: none left out, none counted twice."""

import io
import json
import time
from pathlib import Path

import pytest
from rich.console import Console

from edge_agent.bench import MIND, SPIN, StageClock, as_dict, measure
from edge_agent.pose.eyes import STAGES, Eyes
from edge_agent.settings import PoseSettings

DEMO = Path(__file__).parents[1] / "edge_agent" / "assets" / "demo.mp4"


def test_every_stage_of_a_real_clip_has_its_cost() -> None:
    eyes = Eyes(PoseSettings())
    begin_s = time.process_time()
    cost = measure(DEMO, eyes, Console(file=io.StringIO()), most_frames=45)
    spent_s = time.process_time() - begin_s

    assert cost.frames == 45
    assert 0 < cost.person_frames <= 2 * 45, "two people play in it"
    assert list(cost.cpu_s) == ["decode", *STAGES, MIND, SPIN]
    assert all(cost.cpu_s[stage] > 0 for stage in ("decode", *STAGES, MIND))
    assert 0 < cost.first_frame_s < cost.after_decode_s
    assert cost.cpu_s["decode"] + cost.after_decode_s <= spent_s, "no stage is counted twice"

    figures = json.loads(json.dumps(as_dict(DEMO, eyes, cost)))
    assert list(figures) == [
        "schema", "video", "versions", "machine", "device", "frames", "person_frames", "runs",
        "cpu_ms", "cpu_ms_first_frame", "cpu_ms_after_decode", "cpu_ms_per_frame", "cpu_ms_per_person_frame",
    ]  # fmt: skip
    assert figures["cpu_ms_per_person_frame"] == pytest.approx(
        cost.after_decode_s * 1000 / cost.person_frames, abs=1e-3
    )


def test_the_clock_counts_work_not_waiting() -> None:
    clock = StageClock()
    with clock("work"):
        sum(range(2_000_000))
    with clock("wait"):
        time.sleep(0.05)
    with pytest.raises(ZeroDivisionError), clock("broken"):
        raise ZeroDivisionError

    assert clock.cpu_s["work"] > 2 * clock.cpu_s["wait"]
    assert clock.runs == {"work": 1, "wait": 1, "broken": 1}
