"""A box gets a new version: it is judged, proven, watched, and where it does worse the old one comes back.

The archives hold small stand-ins for the program, the installer and its checks are the real ones.
"""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from edge_agent.outbox import Outbox
from edge_agent.settings import OutboxSettings, PrivacySettings
from edge_agent.telemetry import AgentTelemetry
from tests.boxes import SOUND, Box, Maker, answers_as, pages, stopped_at_the_end
from tests.demo_clip import DEMO_CLIP
from tests.lift_events import a_fresh_event
from tests.services import Listener, Mosquitto, wait_for


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with stopped_at_the_end(Box(tmp_path / "box")) as box:
        yield box


def kept(box: Box) -> dict[str, bytes]:
    """What belongs to the site and to no version."""
    files = [*(box.root / "etc/hingewatch").iterdir(), *(box.root / "var/lib/hingewatch").glob("*.sqlite")]
    return {path.name: path.read_bytes() for path in files}


def test_a_version_that_does_what_the_old_one_did_stays_and_the_old_one_is_kept_for_going_back(
    running: Box, maker: Maker
) -> None:
    before = kept(running)
    for version in ("1.1", "1.2"):
        done = running.update(maker.archive(version, **SOUND | {"pages": pages("dock", "gate")}))
        assert done.returncode == 0, done.stderr
        assert "healthy, cameras seen: dock" in done.stdout
        assert answers_as(running, "dock", "gate")
    assert (running.version, running.versions) == ("1.2", {"1.1", "1.2"})
    assert not list(running.root.glob("opt/.hingewatch-*")), "the archive itself is not kept"

    done = running.update("--rollback")
    assert done.returncode == 0, done.stderr
    assert (running.version, running.versions) == ("1.1", {"1.1", "1.2"})
    assert running.update("--rollback").returncode == 0
    assert running.version == "1.2"
    assert kept(running) == before


def test_what_runs_already_is_left_alone(running: Box, maker: Maker) -> None:
    archive = running.root / "unpacked/hingewatch-1.0"
    done = running.run(archive / "install.sh")
    assert "is what runs already" in done.stdout
    assert (running.root / "systemctl.log").read_text().count("restart") == 0


def test_a_version_whose_self_test_fails_is_never_run(running: Box, maker: Maker) -> None:
    done = running.update(maker.archive("1.1", **SOUND | {"self_test": 1}))
    assert done.returncode == 2
    assert "does not pass its self-test here; nothing was changed" in done.stderr
    assert (running.version, running.versions) == ("1.0", {"1.0"})
    assert "restart" not in (running.root / "systemctl.log").read_text()
    assert answers_as(running, "dock")


@pytest.mark.parametrize(
    ("ways", "why"),
    [
        ({"pages": pages("dock", healthy=False)}, "not healthy within 3 s: the loop has not turned"),
        ({"exits": 2}, "not healthy within 3 s: nothing answers"),
        ({"pages": pages("gate")}, "not seen: dock"),
    ],
    ids=["stuck", "ends at once", "sees less"],
)
def test_a_version_that_does_worse_gives_way_to_the_old_one(
    running: Box, maker: Maker, ways: dict[str, Any], why: str
) -> None:
    running.patience_s = 3
    before = kept(running)
    done = running.update(maker.archive("1.1", self_test=0, **ways))
    assert done.returncode == 1
    assert why in done.stderr
    assert "going back to hingewatch-1.0" in done.stderr
    assert "fix: the old version runs" in done.stderr
    assert (running.version, running.versions) == ("1.0", {"1.0"})
    assert answers_as(running, "dock")
    assert kept(running) == before


def test_an_archive_that_was_altered_is_refused(running: Box, maker: Maker) -> None:
    folder = running.unpack(maker.archive("1.1", **SOUND))
    (folder / "install.sh").write_text("#!/bin/sh\ntouch $DESTDIR/owned\n")
    packed = folder.with_name("1.1.tar")
    subprocess.run(["tar", "-cf", packed, "-C", folder.parent, folder.name], check=True)
    done = running.update(packed)
    assert done.returncode == 2
    assert "the archive is damaged or was altered" in done.stderr
    assert (running.version, running.versions) == ("1.0", {"1.0"})
    assert not (running.root / "owned").exists()


def test_an_archive_to_which_something_was_added_is_refused(running: Box, maker: Maker) -> None:
    """pip would take the newer of two wheels."""
    folder = running.unpack(maker.archive("1.1", **SOUND))
    (folder / "wheels/hingewatch_edge_agent-9.9-py3-none-any.whl").symlink_to("/dev/null")
    done = running.run(folder / "install.sh")
    assert done.returncode == 2
    assert "holds files that are not its own" in done.stderr


def test_a_box_that_knows_who_may_sign_takes_nobody_elses_archive(running: Box, maker: Maker) -> None:
    makers, strangers = maker.key("makers"), maker.key("strangers")
    running.trust(makers)
    for version, key, why in (("1.1", None, "is not signed"), ("1.2", strangers, "is signed by nobody whom")):
        done = running.update(maker.archive(version, key, **SOUND))
        assert done.returncode == 2
        assert why in done.stderr
        assert running.versions == {"1.0"}
    done = running.update(maker.archive("1.3", makers, **SOUND))
    assert done.returncode == 0, done.stderr
    assert running.version == "1.3"
    assert "whoever brings an archive is believed" not in done.stdout


def test_hashes_written_anew_do_not_help_who_may_not_sign(running: Box, maker: Maker) -> None:
    key = maker.key("makers")
    running.trust(key)
    folder = running.unpack(maker.archive("1.1", key, **SOUND))
    (folder / "install.sh").write_text("#!/bin/sh\ntouch $DESTDIR/owned\n")
    listed = "find . -type f ! -name 'SHA256SUMS*' -exec sha256sum {} + >SHA256SUMS"
    subprocess.run(listed, shell=True, cwd=folder, check=True)
    packed = folder.with_name("1.1.tar")
    subprocess.run(["tar", "-cf", packed, "-C", folder.parent, folder.name], check=True)
    assert "is signed by nobody whom" in running.update(packed).stderr
    assert not (running.root / "owned").exists()


def test_an_update_that_is_cut_off_while_it_is_watched_leaves_the_old_version(running: Box, maker: Maker) -> None:
    """The line to the box breaks: nobody is there to see how it went."""
    archive = maker.archive("1.1", **SOUND | {"pages": pages("dock", "gate")})
    with running.begun(running.root / "opt/hingewatch/install.sh", archive) as process:
        wait_for("1.1", lambda: answers_as(running, "dock", "gate"), 30)
        os.killpg(process.pid, signal.SIGHUP)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "the update was interrupted" in said
    assert running.version == "1.0"
    wait_for("1.0", lambda: answers_as(running, "dock"))


def test_a_model_that_is_not_the_pinned_one_is_never_run(box: Box, maker: Maker) -> None:
    """The real self-test; whoever may sign can err too."""
    box.settle(pose={"models_dir": "/opt/hingewatch/models"})
    folder = maker.unsealed("1.0")
    (folder / "models/pose_detection.tflite").write_bytes(b"another")
    done = box.install(maker.seal(folder))
    assert done.returncode == 2
    assert "model pose-detector is altered" in done.stderr
    assert not box.versions


def test_lifts_that_wait_for_the_broker_survive_the_update_and_arrive_once(
    running: Box, maker: Maker, tmp_path: Path
) -> None:
    """The new version is the real agent, and its self-test the real one."""
    with Mosquitto(tmp_path) as broker, Listener(broker.port) as listener:
        running.settle(
            cameras=[{"name": "dock", "source": str(DEMO_CLIP)}],
            privacy={"bucket_s": 1, "min_lifts": 1},
            mqtt={"port": broker.port},
        )
        recorded = lifts_in(running.root / "var/lib/hingewatch/outbox.sqlite")
        done = running.update(maker.archive("1.1"))
        assert done.returncode == 0, done.stderr
        assert "pose-detector: ok on CPU" in done.stdout
        assert "healthy, cameras seen: dock" in done.stdout
        wait_for("them", lambda: recorded <= {*heard(listener)}, 60)
        assert len(heard(listener)) == len({*heard(listener)})


def lifts_in(outbox_file: Path) -> set[str]:
    """The ids of three lifts that the version before has left there."""
    outbox = Outbox(
        OutboxSettings(path=outbox_file), PrivacySettings(min_lifts=1), AgentTelemetry(CollectorRegistry())
    )
    events = [a_fresh_event(zone="dock") for _ in range(3)]
    for event in events:
        outbox.hold(event)
    outbox.close()
    return {event.event_id for event in events}


def heard(listener: Listener) -> list[str]:
    return [json.loads(payload)["event_id"] for payload in listener.heard("/lift")]
