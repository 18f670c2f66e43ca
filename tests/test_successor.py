"""A new version is held against the one before it by the lifts whose technique it cannot tell."""

import subprocess
import sys
from collections.abc import Iterator
from math import comb
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry

from edge_agent.core.change import Change
from edge_agent.core.figures import Share
from edge_agent.core.successor import Successor
from edge_agent.metrics_server import Exposition, serve
from edge_agent.telemetry import AgentTelemetry
from tests.services import free_port


@pytest.mark.parametrize(
    ("before", "since", "verdict", "why"),
    [
        (Share(9, 29), Share(40, 40), "incomparable", "; fewer than 30 before"),
        (Share(80, 400), Share(29, 29), "waits", "; 30 decide"),
        (Share(80, 400), Share(8, 30), "stays", ": no change beyond chance"),
        (Share(80, 400), Share(0, 30), "stays", ": less than before"),
        (Share(80, 400), Share(18, 30), "worse", ": more than before"),
    ],
)
def test_thirty_lifts_say_whether_it_tells_fewer(before: Share, since: Share, verdict: str, why: str) -> None:
    words = Successor(before, since).words
    assert words.startswith(f"{verdict}: {before.part} of {before.whole} lifts unknown before, {since.part} of ")
    assert words.endswith(f"{since.whole} since the agent started{why}")


@pytest.mark.parametrize(("after", "share_going_back"), [(0.2, 1 / 40), (0.4, 0.7), (0.5, 19 / 20)])
def test_how_often_it_goes_back_is_as_its_docstring_says(after: float, share_going_back: float) -> None:
    def chance(unknown: int) -> float:
        return comb(30, unknown) * after**unknown * (1 - after) ** (30 - unknown)

    back = sum(chance(count) for count in range(31) if Change(Share(200, 1000), Share(count, 30)).grew)
    assert back == pytest.approx(share_going_back, abs=0.02)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    """The settings of an agent that runs, and has counted 5 lifts, 2 of them unknown."""
    registry = CollectorRegistry()
    telemetry = AgentTelemetry(registry)
    telemetry.lifts.labels("squat").inc(3)
    telemetry.lifts.labels("unknown").inc(2)
    port, stop = serve(Exposition(registry), "127.0.0.1", 0, prefix="edge_agent")
    path = tmp_path / "site.yaml"
    path.write_text(yaml.safe_dump({"metrics": {"port": port}}))
    yield path
    stop()


def lifts(site: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [
        sys.executable,
        "-c",
        "from edge_agent.cli import main; main()",
        "lifts",
        "--config",
        str(site),
        *words,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_what_the_command_prints_is_what_it_takes_later(site: Path) -> None:
    assert lifts(site).stdout == "2/5\n"
    assert lifts(site, "--before", "2/5").stdout.startswith("incomparable: 2 of 5")
    assert lifts(site, "--before", "60/300").stdout.startswith("waits: 60 of 300")


@pytest.mark.parametrize("garbled", ["", "60", "7/5", "-1/5", "60/300/9", "\N{SUPERSCRIPT TWO}/5"])
def test_what_is_no_count_is_refused_with_what_to_give(site: Path, garbled: str) -> None:
    said = lifts(site, "--before", garbled)
    assert said.returncode == 2
    assert "is no count of lifts" in said.stderr
    assert "Traceback" not in said.stderr


def test_an_agent_that_does_not_answer_is_no_verdict(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(yaml.safe_dump({"metrics": {"port": free_port()}}))
    said = lifts(tmp_path / "site.yaml", "--before", "60/300")
    assert (said.returncode, said.stdout) == (1, "")
    assert "error: no agent answers at 127.0.0.1:" in said.stderr
