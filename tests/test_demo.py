"""The first thing a new user does: the demo shows every lift, and the counters it became, on the real path."""

import re
import subprocess
from collections import Counter

import pytest

from tests.demo_clip import true_lifts
from tests.demo_day import PROGRAM
from tests.services import free_port


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*PROGRAM, "run", "--demo", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_demo_tells_each_lift_why_and_what_it_became() -> None:
    said = demo()
    assert said.returncode == 0, said.stderr
    told = re.findall(r"^ +[\d.]+ s  (hinge|squat|rounded back|unknown) ", said.stdout, re.MULTILINE)
    assert [technique.replace(" ", "_") for technique in told] == [lift.technique for lift in true_lifts()]
    assert said.stdout.count("trunk inclined") == len(told)

    rows = re.findall(r"^ (\w+) +(?:low|medium|high) +(\d+)", said.stdout, re.MULTILINE)
    counted: Counter[str] = Counter()
    for technique, count in rows:
        counted[technique] += int(count)
    assert counted == Counter(lift.technique for lift in true_lifts())


def test_the_demo_says_what_to_try_next_in_lines_that_can_be_copied(first_lift_clip: object) -> None:
    lines = demo("--video", str(first_lift_clip)).stdout.splitlines()
    for command in (
        "make demo VIDEO=my.mp4",
        "make demo VIDEO=rtsp://user:password@camera/stream",
        ".venv/bin/edge-agent analyze my.mp4 --video seen.mp4 --report report.html",
        ".venv/bin/edge-agent run --config my-site.yaml",
    ):
        assert f"  {command}" in lines


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("nowhere.mp4", "nowhere.mp4 does not exist"),
        ("htp://viewer:hunter2@192.0.2.10/live", "unknown kind of address htp://"),
        ("rtsp://viewer:hunter2@127.0.0.1:{closed}/live", "refused the connection"),
        ("99", "99 does not exist"),
    ],
)
def test_a_source_that_cannot_be_watched_is_said_at_once(source: str, what: str) -> None:
    said = demo("--video", source.format(closed=free_port()))
    error, fix = said.stderr.splitlines()
    assert said.returncode == 2
    assert what in error
    assert fix.startswith("fix: ")
    assert said.stdout == ""
    assert "hunter2" not in said.stderr
