"""Whoever reads the agent's page at every instant learns when people bend no better than by time buckets.

The attack is played in full: after every frame the observer reads all series, and takes a series that moves for
somebody in view. What the observer would see without the veil shows that the attack is a real one.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from prometheus_client import CollectorRegistry

from edge_agent.agent import Look
from edge_agent.box import Box
from edge_agent.settings import CameraSettings, MqttSettings, OutboxSettings, PrivacySettings, Settings
from tests.demo_clip import DEMO_CLIP, TrueLift, true_lifts
from tests.services import free_port

Series = tuple[str, tuple[tuple[str, str], ...]]

LIVE = {
    "edge_agent_camera_up",
    "edge_agent_camera_blind_seconds_total",
    "edge_agent_mqtt_connect_failures_total",
    "edge_agent_inference_slowdown",
}
"""What an engineer needs at once. None of it depends on what people do."""

LIFTS = "edge_agent_lift_latency_seconds_count"

OUTLINES: Series = ("edge_agent_inference_seconds_count", (("stage", "landmarks_and_outline"),))
"""The outline of the back is asked for only while somebody bends."""


@dataclass
class Observer:
    """Reads after every frame; ``page`` is what the agent serves, ``behind`` what it counts but does not show."""

    page: CollectorRegistry
    behind: CollectorRegistry
    seen_s: list[float] = field(default_factory=list)
    shown: list[Mapping[Series, float]] = field(default_factory=list)
    hidden: list[Mapping[Series, float]] = field(default_factory=list)

    def __call__(self, _camera: str, look: Look) -> None:
        self.seen_s.append(look.time_s)
        self.shown.append(scraped(self.page))
        self.hidden.append(scraped(self.behind))


def scraped(registry: CollectorRegistry) -> dict[Series, float]:
    samples = (sample for family in registry.collect() for sample in family.samples)
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}


def moved(scrapes: list[Mapping[Series, float]]) -> set[str]:
    """Names of the series that were not the same in all of the scrapes."""
    return {name for name, labels in scrapes[-1] if len({scrape.get((name, labels)) for scrape in scrapes}) > 1}


@pytest.fixture(scope="module")
def observer(tmp_path_factory: pytest.TempPathFactory) -> Observer:
    registry = CollectorRegistry()
    settings = Settings(
        cameras=(CameraSettings(name="dock", source=str(DEMO_CLIP)),),
        mqtt=MqttSettings(port=free_port()),
        outbox=OutboxSettings(path=tmp_path_factory.mktemp("box") / "outbox.sqlite"),
        privacy=PrivacySettings(bucket_s=3600, min_lifts=5),
    )
    if time.time() % 3600 > 3480:  # all of the clip must fall into one bucket
        time.sleep(3601 - time.time() % 3600)
    box = Box(settings, registry)
    watching = Observer(registry, box.telemetry._veil.behind)
    box.run(threading.Event(), watching)
    return watching


def guessed_lifts(observer: Observer, scrapes: list[Mapping[Series, float]]) -> list[tuple[float, float]]:
    """The attack: outlines were asked for from when to when; pauses of half a second end a bend."""
    times_s = [
        now_s
        for now_s, before, now in zip(observer.seen_s[1:], scrapes, scrapes[1:], strict=False)
        if now[OUTLINES] > before[OUTLINES]
    ]
    runs: list[list[float]] = []
    for time_s in times_s:
        if not runs or time_s - runs[-1][-1] > 0.5:
            runs.append([])
        runs[-1].append(time_s)
    return [(run[0], run[-1]) for run in runs if run[-1] - run[0] > 0.5]


def given_away(lift: TrueLift, guesses: list[tuple[float, float]]) -> bool:
    return any(begin_s < lift.peak_s < end_s and end_s - begin_s < 6 for begin_s, end_s in guesses)


def test_without_the_veil_every_lift_would_be_given_away_to_the_second(observer: Observer) -> None:
    guesses = guessed_lifts(observer, observer.hidden)
    assert all(given_away(lift, guesses) for lift in true_lifts())
    assert {"edge_agent_frames_dropped_total", "edge_agent_tracks", LIFTS} <= moved(observer.hidden)


def test_within_a_bucket_nothing_on_the_page_moves_with_people(observer: Observer) -> None:
    assert guessed_lifts(observer, observer.shown) == []
    assert moved(observer.shown) <= LIVE


def test_what_was_counted_is_shown_when_the_bucket_has_ended(observer: Observer) -> None:
    assert observer.hidden[-1][LIFTS, ()] == len(true_lifts())
    assert observer.shown[-1][LIFTS, ()] == 0
