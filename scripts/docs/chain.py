"""Pictures of boxes and arrows: the whole chain, where trust ends, and a dead camera at night."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from scripts.docs.drawing import (
    BLUE,
    GREEN,
    GREY,
    INK,
    PALE,
    VERMILLION,
    WHITE,
    Picture,
    Point,
    arrow,
    box,
    lines,
    text,
)

_HIGH = 64.0


@dataclass(frozen=True, slots=True)
class Station:
    """A box with a name and what it does."""

    at: Point
    name: str
    does: Sequence[str]
    wide: float = 132
    colour: str = WHITE

    def drawn(self) -> str:
        """With its words in the middle."""
        x, y = self.at
        parts = [box(self.at, (self.wide, _HIGH), self.colour, edge=INK, radius=6)]
        parts += [text((x + self.wide / 2, y + 22), self.name, look="middle bold")]
        parts += [lines((x + self.wide / 2, y + 39), self.does, size=12, look="middle")]
        return "\n".join(parts)

    @property
    def left(self) -> Point:
        """The middle of its left edge."""
        return self.at[0], self.at[1] + _HIGH / 2

    @property
    def right(self) -> Point:
        """The middle of its right edge."""
        return self.at[0] + self.wide, self.at[1] + _HIGH / 2

    @property
    def top(self) -> Point:
        """The middle of its upper edge."""
        return self.at[0] + self.wide / 2, self.at[1]

    @property
    def bottom(self) -> Point:
        """The middle of its lower edge."""
        return self.at[0] + self.wide / 2, self.at[1] + _HIGH


def architecture() -> Picture:
    """From the camera to whoever is told."""
    picture = Picture(
        980,
        560,
        "Camera, agent with outbox, broker, bridge, Prometheus and Alertmanager. Pictures, "
        "skeletons and tracks never leave the agent's box; one anonymous message a lift does.",
    )
    picture.add(box((16, 16), (948, 292), "#fdf1e8", edge=VERMILLION, radius=10))
    picture.add(text((32, 42), "The box at the cameras (edge-agent run)", look="bold"))
    picture.add(*_inside(), *_never_leaves())
    picture.add(*_outside())
    return picture


def _inside() -> list[str]:
    camera = Station((32, 62), "Camera", ["RTSP, USB, file"], 118)
    frame = Station((186, 62), "Newest frame", ["masks are black"], 124)
    who = Station((346, 62), "Who is there?", ["detector, in windows"], 136)
    pose = Station((518, 62), "Pose and outline", ["on NPU, GPU or CPU"], 156)
    track = Station((710, 62), "Track", ["while in view"], 108)
    lift = Station((710, 176), "Lift", ["one bend and return"], 132)
    technique = Station((518, 176), "Technique", ["hinge, squat, rounded…"], 156)
    event = Station((346, 176), "Event", ["bands, no identity"], 136, "#d7e9f7")
    outbox = Station((186, 176), "Outbox", ["on disk, SQLite"], 124, "#d7e9f7")
    row = [camera, frame, who, pose, track]
    parts = [station.drawn() for station in (*row, lift, technique, event, outbox)]
    parts += [arrow([a.right, b.left]) for a, b in pairwise(row)]
    parts += [arrow([track.bottom, (track.bottom[0], 176)]), arrow([lift.left, technique.right]),
              arrow([technique.left, event.right], BLUE), arrow([event.left, outbox.right], BLUE)]  # fmt: skip
    return parts


def _never_leaves() -> list[str]:
    words = "Never leaves: pictures, skeletons, outlines, tracks, exact times, who it was"
    return [
        lines((262, 338), ["one message a lift: zone, five-minute bucket, technique, bands of angles",
                           "MQTT 5 over TLS, QoS 1; five lifts of a zone leave together"], fill=BLUE, size=13),
        box((286, 258), (662, 36), VERMILLION, radius=6),
        text((617, 281), words, fill=WHITE, look="middle bold"),
        arrow([(248, 240), (248, 374)], BLUE, 4),
    ]  # fmt: skip


def _outside() -> list[str]:
    broker = Station((182, 376), "Broker", ["mosquitto"])
    bridge = Station((382, 376), "Bridge", ["counts each lift once"], 150)
    prometheus = Station((602, 376), "Prometheus", ["history and rules"], 140)
    alerts = Station((806, 376), "Alertmanager", ["who hears what"], 140)
    page = Station((382, 480), "Overview page", ["phone, wall screen"], 150, PALE)
    grafana = Station((602, 480), "Grafana, reports", ["trends, the week"], 140, PALE)
    people = Station((806, 480), "Site engineer,", ["safety manager"], 140, PALE)
    parts = [station.drawn() for station in (broker, bridge, prometheus, alerts, page, grafana, people)]
    parts += [arrow([broker.right, bridge.left]), arrow([bridge.right, prometheus.left]),
              arrow([prometheus.right, alerts.left]), arrow([bridge.bottom, page.top]),
              arrow([prometheus.bottom, grafana.top]), arrow([alerts.bottom, people.top])]  # fmt: skip
    return [*parts, text((567, 396), "/metrics", size=11, look="middle"), text((32, 412), "Elsewhere", look="bold"),
            lines((32, 430), ["on site or", "in the centre"], size=12, fill=GREY)]  # fmt: skip


def trust() -> Picture:
    """Where trust ends."""
    picture = Picture(
        980,
        300,
        "The box and its outbox are trusted; a camera's video may be anything, the broker "
        "keeps to its access list, the bridge believes no payload, and pages ask for no password.",
    )
    camera = Station((24, 60), "Camera", ["its video may be", "anything"], 132, "#fdf1e8")
    agent = Station((232, 60), "Box", ["agent and outbox:", "trusted"], 140, "#dff0e6")
    broker = Station((456, 60), "Broker", ["keeps to its", "access list"], 132)
    bridge = Station((650, 60), "Bridge", ["believes no", "payload"], 132)
    prometheus = Station((830, 24), "Prometheus", ["no password"], 138, PALE)
    browser = Station((830, 112), "Browser", ["no password"], 138, PALE)
    anyone = Station((456, 212), "Anyone on the network", ["connects, listens, forges"], 326, "#fdf1e8")
    picture.add(*(each.drawn() for each in (camera, agent, broker, bridge, prometheus, browser, anyone)))
    picture.add(arrow([camera.right, agent.left]), arrow([agent.right, broker.left], GREEN, 3))
    picture.add(arrow([broker.right, bridge.left], GREEN, 3))
    picture.add(arrow([bridge.right, prometheus.left]), arrow([bridge.right, browser.left]))
    picture.add(arrow([(522, 212), broker.bottom], VERMILLION, dashes="5 5"))
    picture.add(arrow([(716, 212), bridge.bottom], VERMILLION, dashes="5 5"))
    picture.add(text((194, 86), "RTSP", size=11, look="middle"), text((414, 86), "TLS", size=11, look="middle"))
    picture.add(text((619, 86), "TLS", size=11, look="middle"), text((788, 54), "/metrics", size=11, look="middle"))
    return picture


def alert_at_night() -> Picture:
    """From a camera that dies at 3 a.m. to the camera that is back."""
    picture = Picture(
        980,
        330,
        "A camera dies at three; two minutes later CameraDown rings, the runbook is read, the log "
        "names the cause; or it waits for the morning, for nothing else is lost.",
    )
    dead = Station((20, 40), "03:00", ["no picture for 3 s:", "camera_up 0"], 150, "#fdf1e8")
    alert = Station((212, 40), "03:02", ["CameraDown,", "critical: at night too"], 158, "#fde7c2")
    book = Station((412, 40), "Runbook", ["CameraDown:", "three lines to do"], 150, "#d7e9f7")
    log = Station((604, 40), "The agent's log", ["which of these?"], 150)
    picture.add(*(each.drawn() for each in (dead, alert, book, log)))
    picture.add(*(arrow([a.right, b.left]) for a, b in ((dead, alert), (alert, book), (book, log))))
    for row, (cause, cure) in enumerate((
        ("did not answer in time", "power, cable, switch"),
        ("refused the user name", "password, locked account"),
        ("not_found", "the stream's path"),
    )):  # fmt: skip
        y = 150.0 + 56 * row
        picture.add(box((604, y), (340, 42), PALE, edge=GREY, radius=6))
        picture.add(text((616, y + 18), cause, look="bold", size=13), text((616, y + 35), cure, size=12))
    picture.add(arrow([log.bottom, (log.bottom[0], 148)]))
    picture.add(*_meanwhile())
    return picture


def _meanwhile() -> list[str]:
    return [
        box((20, 150), (540, 154), "#dff0e6", radius=6),
        text((36, 176), "Meanwhile, without anybody", look="bold"),
        lines((36, 200), ["• the agent tries that camera again and again, for ever",
                          "• the other cameras lose no frame",
                          "• the time is counted as blind: no lifts seen is not no lifts",
                          "• the overview page says: data incomplete",
                          "• pictures again: it goes on by itself, the alert ends"], size=13),
    ]  # fmt: skip
