"""The benchmark's figures: none left out, none counted twice."""

import io
import json
import time
from pathlib import Path

import pytest
from rich.console import Console

from edge_agent.bench import MIND, SPIN, StageClock, as_dict, measure
from edge_agent.bench_report import write_bench_report
from edge_agent.bound import CountedEyes, RawNetworks
from edge_agent.pose.eyes import STAGES
from edge_agent.settings import PoseSettings

DEMO = Path(__file__).parents[1] / "edge_agent" / "assets" / "demo.mp4"


def test_every_stage_of_a_real_clip_has_its_cost() -> None:
    eyes = CountedEyes(PoseSettings())
    begin_s = time.process_time()
    cost = measure(DEMO, eyes, Console(file=io.StringIO()), most_frames=45)
    spent_s = time.process_time() - begin_s

    assert cost.frames == 45
    assert 0 < cost.person_frames <= 2 * 45, "two people play in it"
    assert list(cost.cpu_s) == ["decode", *STAGES, MIND, SPIN]
    assert all(cost.cpu_s[stage] > 0 for stage in ("decode", *STAGES, MIND))
    assert 0 < cost.first_frame_s < cost.after_decode_s
    assert cost.cpu_s["decode"] + cost.after_decode_s <= spent_s, "no stage is counted twice"

    assert set(cost.bound_s) == set(STAGES), "each network alone has its turn"
    assert all(cost.bound_s[stage] > 0 for stage in STAGES)
    assert cost.share_of_bound == sum(cost.bound_s.values()) / cost.after_decode_s > 0
    assert all(cost.pictures[stage] >= cost.runs[stage] > 0 for stage in STAGES), "a run asks about one or more"

    figures = json.loads(json.dumps(as_dict(DEMO, eyes, cost)))
    assert list(figures) == [
        "schema", "video", "versions", "machine", "device", "frames", "person_frames", "runs",
        "pictures", "cpu_ms", "cpu_ms_bound", "share_of_bound", "cpu_ms_first_frame",
        "cpu_ms_after_decode", "cpu_ms_per_frame", "cpu_ms_per_person_frame",
    ]  # fmt: skip
    assert figures["cpu_ms_per_person_frame"] == pytest.approx(
        cost.after_decode_s * 1000 / cost.person_frames, abs=1e-3
    )


def test_the_networks_alone_are_asked_for_as_many_answers_as_told() -> None:
    raw = RawNetworks(CountedEyes(PoseSettings()))
    few, many = raw.answer({"detect": 2}), raw.answer({"detect": 20})

    assert set(few) == set(STAGES)
    assert many["detect"] > 2 * few["detect"] > 0
    assert many["spine"] < many["detect"] / 10, "a stage that is not named is not asked"


def test_the_report_shows_every_stage_and_the_share_of_the_networks(tmp_path: Path) -> None:
    figures = {
        "video": "<a> clip.mp4", "machine": "a box, 2 cores", "versions": {"openvino": "2026.4"}, "frames": 10,
        "person_frames": 5, "cpu_ms": {"decode": 5.0, "detect": 10.0, "mind": 2.5}, "cpu_ms_bound": {"detect": 9.0},
        "share_of_bound": 0.72, "cpu_ms_per_person_frame": 2.5,
    }  # fmt: skip
    write_bench_report(tmp_path / "bench.html", figures)
    page = (tmp_path / "bench.html").read_text(encoding="utf-8")

    assert "&lt;a&gt; clip.mp4" in page
    assert "<a>" not in page
    for told in ("72%", "decode: 1.00 ms", "mind: 0.50 ms", "detect, the network alone: 1.80 ms", "a box, 2 cores"):
        assert told in page
    write_bench_report(tmp_path / "bench.html", figures | {"person_frames": 0})
    assert "Nobody was followed" in (tmp_path / "bench.html").read_text(encoding="utf-8")


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
