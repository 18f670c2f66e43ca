"""A new version came up well and sees its cameras: whether it stays, the lifts say, over the hours that follow.

As in test_update.py the installer is the real one; the test plays the timer.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.boxes import SOUND, UNIT, Box, Maker, at_work, pages
from tests.services import page, wait_for

BLIND = SOUND | {"pages": pages("dock", "gate")}
"""A version that is told from 1.0 by what it sees."""


@pytest.fixture(scope="module")
def updated_once(installed: Box, pip: Path, tmp_path_factory: pytest.TempPathFactory) -> Box:
    folder = tmp_path_factory.mktemp("updated")
    (folder / "maker").mkdir()
    with at_work(installed, folder / "box", answers) as box:
        box.tells(80, 400)
        assert "waits: 80 of 400 lifts unknown before, 0 of 0 since" in update(box, Maker(folder / "maker", pip))
    return box


@pytest.fixture
def updated(updated_once: Box, tmp_path: Path) -> Iterator[Box]:
    """A box where 1.1 has taken over from 1.0, which could not tell 80 of its 400 lifts."""
    with at_work(updated_once, tmp_path / "box", answers) as box:
        yield box


def update(box: Box, maker: Maker, version: str = "1.1") -> str:
    """What the installer said; whichever version runs then has seen no lift yet."""
    archive = maker.archive(version, **BLIND)
    with box.begun(box.root / "opt/hingewatch/install.sh", archive) as process:
        wait_for("the switch", lambda: box.version == version, 60)
        box.tells(0, 0)
        said, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return said + errors


def judged(box: Box) -> "subprocess.CompletedProcess[str]":
    done = box.ten_minutes_pass()
    assert done is not None, "the timer is off"
    return done


def sees_gate(box: Box) -> bool:
    return 'camera="gate"} 1' in page(box.port)


def answers(box: Box) -> bool:
    try:
        return bool(page(box.port))
    except OSError:
        return False


def test_one_that_tells_as_many_lifts_stays_and_is_asked_no_longer(updated: Box) -> None:
    updated.tells(29, 29)
    assert "waits" in judged(updated).stdout
    updated.tells(7, 31)
    done = judged(updated)
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        "stays: 80 of 400 lifts unknown before, 7 of 31 since the agent started: no change beyond chance"
        in done.stdout
    )
    assert updated.ten_minutes_pass() is None
    assert updated.versions == {"1.0", "1.1"}


def test_one_that_tells_fewer_gives_way_and_the_unit_fails_with_the_reason(updated: Box) -> None:
    updated.tells(20, 30)
    done = judged(updated)
    assert done.returncode == 1
    assert "worse: 80 of 400 lifts unknown before, 20 of 30 since the agent started: more than before" in done.stdout
    assert "error: of the lifts that hingewatch-1.1" in done.stderr
    assert "going back to hingewatch-1.0" in done.stderr
    assert (updated.version, updated.versions) == ("1.0", {"1.0"})
    assert not sees_gate(updated), "it is 1.0 that runs"
    assert updated.ten_minutes_pass() is None
    assert "there is no version before this one" in updated.update("--rollback").stderr


def test_an_agent_that_was_restarted_or_is_away_meanwhile_is_asked_again(updated: Box) -> None:
    updated.systemctl("stop", UNIT)
    away = judged(updated)
    assert away.returncode == 2
    assert "no agent answers" in away.stderr
    assert updated.version == "1.1"
    updated.systemctl("start", UNIT)
    wait_for("1.1", lambda: answers(updated))
    updated.tells(3, 4)  # it counts from 0 again
    assert "waits: 80 of 400 lifts unknown before, 3 of 4" in judged(updated).stdout


def test_where_too_few_lifts_were_told_before_nothing_is_compared_and_it_says_so(running: Box, maker: Maker) -> None:
    running.tells(3, 29)
    assert "incomparable: 3 of 29 lifts unknown before" in update(running, maker)
    assert running.ten_minutes_pass() is None


def test_one_without_lifts_is_given_up_after_a_week(updated: Box) -> None:
    note = updated.root / "opt/hingewatch/lifts.before"
    for days, given_up in ((6.9, False), (7.1, True)):
        then_s = time.time() - days * 86400
        os.utime(note, (then_s, then_s))
        done = judged(updated)
        assert done.returncode == 0, done.stderr
        assert ("after 7 days that is given up: hingewatch-1.1" in done.stdout) == given_up
    assert updated.ten_minutes_pass() is None
    assert updated.version == "1.1"


def test_a_person_who_goes_back_or_forth_has_decided(updated: Box) -> None:
    for version in ("1.0", "1.1"):
        assert updated.update("--rollback").returncode == 0
        assert updated.version == version
        updated.tells(30, 30)
        assert updated.ten_minutes_pass() is None


def test_one_more_update_before_the_verdict_is_held_against_the_version_that_was_told_of(
    updated: Box, maker: Maker
) -> None:
    """1.1 would be a poor measure of 1.2: nobody knows yet whether it tells enough."""
    updated.tells(20, 29)
    assert "waits: 80 of 400 lifts unknown before" in update(updated, maker, "1.2")
    updated.tells(20, 30)
    done = judged(updated)
    assert "going back to hingewatch-1.1" in done.stderr
    assert (updated.version, updated.versions) == ("1.1", {"1.1"})
    assert updated.ten_minutes_pass() is None, "the version that it was held against is gone"


def test_an_update_that_fails_its_watch_leaves_the_verdict_on_the_version_before_open(
    updated: Box, maker: Maker
) -> None:
    updated.patience_s = 2
    assert updated.update(maker.archive("1.2", self_test=0, exits=2)).returncode == 1
    assert updated.version == "1.1"
    updated.tells(20, 30)
    assert "going back to hingewatch-1.0" in judged(updated).stderr


@pytest.mark.parametrize("garbled", ["", "hingewatch-0.9 80/400", "80/400"])
def test_a_garbled_note_takes_no_version_back_and_the_unit_fails_until_it_is_removed(
    updated: Box, garbled: str
) -> None:
    updated.tells(30, 30)
    note = updated.root / "opt/hingewatch/lifts.before"
    note.write_text(garbled)
    done = judged(updated)
    assert done.returncode == 2
    assert f"rm {updated.root}/opt/hingewatch/lifts.before" in done.stderr
    assert updated.version == "1.1"
    note.unlink()
    assert updated.ten_minutes_pass() is None


def test_a_verdict_that_was_cut_off_is_given_again(updated: Box) -> None:
    updated.tells(20, 30)
    with updated.begun(updated.root / "opt/hingewatch/install.sh", "--judge") as process:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)
    assert updated.version == "1.1"
    assert "going back to hingewatch-1.0" in judged(updated).stderr
    assert updated.version == "1.0"


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL])
def test_once_the_link_is_moved_the_old_version_runs_from_the_next_start_on_whatever_comes_between(
    updated: Box, by: signal.Signals
) -> None:
    updated.tells(20, 30)
    with updated.begun(updated.root / "opt/hingewatch/install.sh", "--judge") as process:
        wait_for("the link", lambda: updated.version == "1.0", 30)
        os.killpg(process.pid, by) if by is signal.SIGKILL else os.kill(process.pid, by)
        _, said = process.communicate(timeout=60)
    assert ("fix: the old version runs" in said) == (by is signal.SIGTERM), "that one is heard and waits"
    assert updated.ten_minutes_pass() is None
    updated.systemctl("restart", UNIT)
    wait_for("1.0", lambda: answers(updated))
    assert not sees_gate(updated)


def test_while_an_update_is_at_it_nobody_judges(updated: Box) -> None:
    updated.tells(20, 30)
    with subprocess.Popen(["flock", updated.root / "opt/.hingewatch.lock", "sleep", "60"]) as other:
        wait_for("the lock", lambda: Path(f"/proc/{other.pid}/task/{other.pid}/children").read_text() != "")
        done = judged(updated)
        subprocess.run(["pkill", "-P", str(other.pid)], check=True)
    assert (done.returncode, done.stdout) == (0, "")
    assert updated.version == "1.1"


def test_an_older_version_without_a_timer_is_gone_back_to_and_not_asked(updated: Box) -> None:
    for path in updated.root.glob("opt/hingewatch-1.0-*/units/hingewatch-judge.*"):
        path.unlink()
    updated.tells(20, 30)
    assert judged(updated).returncode == 1
    assert updated.version == "1.0"
    assert updated.ten_minutes_pass() is None
