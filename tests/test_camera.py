"""Cameras come and go, hang, change their size, and never take another one with them."""

import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import cv2
import pytest
from structlog.testing import capture_logs

from edge_agent.camera import Camera, probe, read_video, redact, video_info
from edge_agent.core.backlog import WAITING
from edge_agent.core.records import Frame
from edge_agent.errors import InputError
from edge_agent.settings import CameraSettings
from scripts.chaos.link import Link
from tests.services import RtspServer
from tests.videos import number_of, numbered_picture, write_numbered

PATIENCE_S = 20.0


class Counts:
    """Telemetry that remembers; ``blind_s`` and ``is_up`` by camera, the rest in one counter."""

    def __init__(self) -> None:
        self.seen: Counter[tuple[str, ...]] = Counter()
        self.blind_s: Counter[str] = Counter()
        self.is_up: dict[str, bool] = {}

    def frame(self, camera: str) -> None:
        self.seen[camera, "frame"] += 1

    def dropped(self, camera: str, reason: str) -> None:
        self.seen[camera, "dropped", reason] += 1

    def up(self, camera: str, up: bool) -> None:
        self.is_up[camera] = up

    def blind(self, camera: str, seconds: float) -> None:
        assert seconds >= 0
        self.blind_s[camera] += seconds  # type: ignore[assignment]

    def reconnect(self, camera: str) -> None:
        self.seen[camera, "reconnect"] += 1

    def failed(self, camera: str, reason: str) -> None:
        self.seen[camera, "failed", reason] += 1


class QuietPage(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def serve() -> Iterator[Callable[..., RtspServer]]:
    servers: list[RtspServer] = []

    def start(source: str = "pattern", port: int = 0) -> RtspServer:
        servers.append(RtspServer(source, port))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


@pytest.fixture
def hanging_url() -> Iterator[str]:
    """Accept connections and never say a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"rtsp://admin:hunter2@127.0.0.1:{listener.getsockname()[1]}/live"


def settings(source: str | Path, name: str = "dock", **changes: float) -> CameraSettings:
    values: dict[str, float] = {"rate_hz": 30, "open_timeout_s": 3.0, "stall_timeout_s": 3.0} | changes
    return CameraSettings.model_validate({"name": name, "source": str(source)} | values)


def frames_until(camera: Camera, done: Callable[[], bool]) -> list[Frame]:
    """Take the camera's frames until something is true."""
    taken, deadline_s = [], time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline_s, f"waited in vain; the camera is {camera.state}"
        if (frame := camera.newest(0.1)) is not None:
            taken.append(frame)
    return taken


def play(path: Path, counts: Counts, rate_hz: float = 30) -> list[Frame]:
    """Take every frame of a file through a camera."""
    camera = Camera(settings(path, rate_hz=rate_hz), counts)
    camera.start()
    return frames_until(camera, lambda: camera.state == "ended")


def test_a_camera_that_loses_power_comes_back_on_the_same_time_line(serve: Callable[..., RtspServer]) -> None:
    counts, server = Counts(), serve()
    camera = Camera(settings(server.url), counts)
    camera.start()
    before = frames_until(camera, lambda: counts.seen["dock", "frame"] > 5)
    assert camera.state == "up"
    assert counts.is_up["dock"]
    assert before[0].image.shape == (240, 320, 3)

    server.kill()
    frames_until(camera, lambda: camera.state == "down" and counts.seen["dock", "failed", "refused"] > 0)
    assert not counts.is_up["dock"]
    serve(port=server.port)
    after = frames_until(camera, lambda: camera.state == "up" and counts.seen["dock", "frame"] > 10)
    camera.close()

    assert counts.seen["dock", "reconnect"] == 1
    assert 0.1 < counts.blind_s["dock"] < PATIENCE_S
    times_s = [frame.time_s for frame in before + after]
    assert times_s == sorted(times_s)
    assert after[-1].time_s - before[-1].time_s >= counts.blind_s["dock"] - 0.5


def test_a_hanging_camera_is_down_and_disturbs_no_other(serve: Callable[..., RtspServer], hanging_url: str) -> None:
    counts, ready = Counts(), threading.Event()
    good = Camera(settings(serve().url, "good"), counts, ready)
    hung = Camera(settings(hanging_url, "hung", open_timeout_s=0.5, stall_timeout_s=0.5), counts, ready)
    with capture_logs() as logs:
        for camera in (good, hung):
            camera.start()
        frames: list[Frame] = []
        deadline_s = time.monotonic() + PATIENCE_S
        while len(frames) < 10 or not counts.seen["hung", "failed", "timeout"]:
            assert time.monotonic() < deadline_s
            ready.wait(0.5)
            ready.clear()
            frames += [frame for camera in (good, hung) if (frame := camera.newest(0.0))]
        assert {frame.camera for frame in frames} == {"good"}
        assert (good.state, hung.state) == ("up", "down")
        assert counts.blind_s["hung"] > 0
        assert counts.blind_s["good"] == 0
        began_s = time.monotonic()
        good.close()
        hung.close()
        assert time.monotonic() - began_s < 5
    assert "camera down" in {line["event"] for line in logs}
    assert "hunter2" not in str(logs)


def test_a_camera_that_falls_silent_mid_stream_is_down_within_the_stall_time(
    serve: Callable[..., RtspServer],
) -> None:
    counts, server = Counts(), serve()
    camera = Camera(settings(server.url, stall_timeout_s=0.5), counts)
    camera.start()
    frames_until(camera, lambda: camera.state == "up")
    server.process.send_signal(signal.SIGSTOP)
    frames_until(camera, lambda: counts.seen["dock", "failed", "timeout"] > 0)
    assert camera.state == "down"
    server.process.send_signal(signal.SIGCONT)
    frames_until(camera, lambda: counts.seen["dock", "reconnect"] == 1)
    camera.close()


def test_noise_within_a_connection_is_a_stall_and_so_is_an_answer_lost_in_it(
    serve: Callable[..., RtspServer],
) -> None:
    """Without the second, opening would last ``open_timeout_s``."""
    link, counts = Link(serve().port), Counts()
    camera = Camera(settings(f"rtsp://127.0.0.1:{link.port}/live", open_timeout_s=300, stall_timeout_s=1.0), counts)
    camera.start()
    frames_until(camera, lambda: camera.state == "up")

    link.suffer("garbage")
    frames_until(camera, lambda: counts.seen["dock", "failed", "timeout"] > 0)
    assert camera.state == "down"
    threading.Event().wait(1.5)  # within the next attempt
    link.heal()
    frames_until(camera, lambda: camera.state == "up")
    camera.close()
    link.close()


def test_a_camera_that_refuses_the_password_is_not_asked_again_and_again() -> None:
    """Cameras lock out who keeps knocking; the one that has lost its stream may be asked every second."""

    class NotLetIn(QuietPage):
        def do_GET(self) -> None:
            self.send_error(401 if self.path == "/locked" else 404)

    with ThreadingHTTPServer(("127.0.0.1", 0), NotLetIn) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        counts, url = Counts(), f"http://127.0.0.1:{server.server_address[1]}"
        cameras = [Camera(settings(f"{url}/{name}", name), counts) for name in ("locked", "lost")]
        for camera in cameras:
            camera.start()
        frames_until(cameras[1], lambda: counts.seen["lost", "failed", "not_found"] >= 4)
        assert counts.seen["locked", "failed", "unauthorized"] == 1
        for camera in cameras:
            camera.close()
        server.shutdown()


def test_an_mjpeg_camera_sends_no_time_stamps_so_real_time_is_used() -> None:
    ok, jpeg = cv2.imencode(".jpg", numbered_picture(5, 320, 240))
    assert ok

    class MjpegPage(QuietPage):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            with suppress(OSError):  # until the camera is closed
                while True:
                    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    self.wfile.write(head.encode() + jpeg.tobytes() + b"\r\n")
                    threading.Event().wait(0.1)  # 10 Hz, where FFmpeg would assume 25

    with ThreadingHTTPServer(("127.0.0.1", 0), MjpegPage) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        counts = Counts()
        camera = Camera(settings(f"http://127.0.0.1:{server.server_address[1]}/video"), counts)
        camera.start()
        frames_until(camera, lambda: camera.state == "up")
        began_s = time.monotonic()
        frames = frames_until(camera, lambda: counts.seen["dock", "frame"] >= 15)
        waited_s = time.monotonic() - began_s
        camera.close()
        server.shutdown()
    assert number_of(frames[-1].image) == 5
    assert frames[-1].time_s - frames[0].time_s == pytest.approx(waited_s, abs=0.4)


def test_a_recording_on_a_web_server_is_shown_at_its_own_pace_and_again(tmp_path: Path) -> None:
    write_numbered(tmp_path / "clip.mp4", 8, rate_hz=10)
    page = partial(QuietPage, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        counts = Counts()
        camera = Camera(settings(f"http://127.0.0.1:{server.server_address[1]}/clip.mp4"), counts)
        camera.start()
        once = frames_until(camera, lambda: counts.seen["dock", "failed", "closed"] == 1)
        frames_until(camera, lambda: counts.seen["dock", "reconnect"] == 1)
        camera.close()
        server.shutdown()
    assert len(once) >= 6  # all eight, but for a slow machine
    assert counts.blind_s["dock"] > 0


def test_the_newest_live_frame_wins_and_the_rest_is_counted(serve: Callable[..., RtspServer]) -> None:
    counts = Counts()
    camera = Camera(settings(serve().url, rate_hz=5), counts)
    camera.start()
    overtaken, above_rate = ("dock", "dropped", "newer_frame"), ("dock", "dropped", "rate")
    deadline_s = time.monotonic() + PATIENCE_S
    while counts.seen[overtaken] < 3:  # nobody takes a frame
        assert time.monotonic() < deadline_s
        threading.Event().wait(0.05)
    newest = camera.newest(0)
    camera.close()
    assert newest is not None
    assert newest.time_s >= 3 / 5 - 0.1
    assert counts.seen[above_rate] >= 2 * 3


def test_frames_wait_for_their_turn_in_order_and_the_oldest_give_way(serve: Callable[..., RtspServer]) -> None:
    """Somebody bends while the box is late: a quarter of a second is made up for, no frame lost."""
    counts = Counts()
    camera = Camera(settings(serve().url), counts)
    camera.start()
    frames_until(camera, lambda: counts.seen["dock", "frame"] > 5)
    overtaken = counts.seen["dock", "dropped", "newer_frame"]
    deadline_s = time.monotonic() + PATIENCE_S
    while counts.seen["dock", "dropped", "newer_frame"] < overtaken + 2:  # nobody takes a frame
        assert time.monotonic() < deadline_s
        threading.Event().wait(0.01)
    camera.close()
    waited: list[Frame] = []
    while (picture := camera.take()) is not None:
        waited.append(picture.develop())
    times_s = [frame.time_s for frame in waited]
    assert len(times_s) == WAITING
    assert [after - before for before, after in pairwise(times_s)] == pytest.approx([1 / 15] * 3, abs=0.02)


def test_live_frames_that_are_not_needed_are_passed_over_and_counted(serve: Callable[..., RtspServer]) -> None:
    counts, taken = Counts(), list[Frame]()
    camera = Camera(settings(serve().url), counts)
    camera.start()
    deadline_s = time.monotonic() + PATIENCE_S
    while len(taken) < 4:
        assert time.monotonic() < deadline_s
        if (frame := camera.newest(0.1)) is not None:
            taken.append(frame)
            camera.rest(frame.time_s + 0.5)
    assert camera.state == "up"
    camera.close()
    assert all(later.time_s - earlier.time_s >= 0.5 for earlier, later in pairwise(taken))
    assert counts.seen["dock", "dropped", "not_due"] >= 3


def test_a_files_frames_that_are_not_needed_are_passed_over_and_counted(tmp_path: Path) -> None:
    counts, numbers = Counts(), list[int]()
    camera = Camera(settings(write_numbered(tmp_path / "clip.mp4", 40)), counts)
    camera.start()
    while camera.state != "ended":
        if (frame := camera.newest(0.1)) is not None:
            numbers.append(number_of(frame.image))
            camera.rest(frame.time_s + 3 / 30 - 0.01)
    assert numbers == list(range(0, 40, 3))
    assert counts.seen["dock", "dropped", "not_due"] == 40 - len(numbers)


def test_the_last_frames_that_were_passed_over_can_be_had_after_all(tmp_path: Path) -> None:
    camera, passed = Camera(settings(write_numbered(tmp_path / "clip.mp4", 40))), list[list[int]]()
    camera.start()
    while camera.state != "ended":
        if (frame := camera.newest(0.1)) is not None:
            passed.append([number_of(develop().image) for develop in frame.passed_over])
            camera.rest(frame.time_s + (3 if len(passed) < 4 else 8) / 30 - 0.01)
    assert passed == [[], [1, 2], [4, 5], [7, 8], [13, 14, 15, 16], [21, 22, 23, 24], [29, 30, 31, 32]]


def test_a_live_cameras_passed_over_frames_lie_between_those_that_were_due(serve: Callable[..., RtspServer]) -> None:
    """A box that is late sheds the looking back: frames are taken until three have brought theirs."""
    camera, taken = Camera(settings(serve().url)), list[Frame]()
    camera.start()
    deadline_s = time.monotonic() + PATIENCE_S
    while sum(bool(frame.passed_over) for frame in taken) < 3:
        assert time.monotonic() < deadline_s
        if (frame := camera.newest(0.1)) is not None:
            taken.append(frame)
            camera.rest(frame.time_s + 0.25)
    camera.close()
    for earlier, later in pairwise(taken):
        between = [develop() for develop in later.passed_over]
        times_s = [frame.time_s for frame in (earlier, *between, later)]
        assert times_s == sorted(set(times_s))
        assert all(frame.image.shape == later.image.shape for frame in between)


def test_of_a_still_live_camera_keyframes_come_and_all_of_it_once_something_moves(
    serve: Callable[..., RtspServer],
) -> None:
    counts = Counts()
    camera = Camera(settings(serve().url), counts)
    camera.start()
    deadline_s, times_s, still = time.monotonic() + PATIENCE_S, [float("-inf")], True
    while len(times_s) < 60:
        assert time.monotonic() < deadline_s
        if (frame := camera.newest(0.1)) is not None:
            times_s.append(frame.time_s)
            still = still and sum(later - earlier > 0.9 for earlier, later in pairwise(times_s)) < 4
            camera.rest(frame.time_s, still=still)
    assert camera.state == "up"
    camera.close()
    gaps_s = [later - earlier for earlier, later in pairwise(times_s[1:])]
    asleep_s = [gap_s for gap_s in gaps_s if gap_s > 0.9]
    assert len(asleep_s) >= 3  # more, where this thread was held up when it was to wake
    assert asleep_s == pytest.approx([1.0] * len(asleep_s), abs=0.05)
    assert sum(gap_s < 0.1 for gap_s in gaps_s[-20:]) > 10
    assert counts.seen["dock", "dropped", "not_due"] % 14 == 0
    assert counts.blind_s["dock"] == 0


def test_where_a_second_without_a_picture_is_nearly_a_stall_nothing_is_spared(
    serve: Callable[..., RtspServer],
) -> None:
    counts, taken = Counts(), 0
    camera = Camera(settings(serve().url, stall_timeout_s=2.0), counts)
    camera.start()
    deadline_s = time.monotonic() + PATIENCE_S
    while taken < 40:
        assert time.monotonic() < deadline_s
        if (frame := camera.newest(0.1)) is not None:
            taken += 1
            camera.rest(frame.time_s, still=True)
    camera.close()
    assert counts.seen["dock", "dropped", "not_due"] == 0


def test_a_file_waits_for_its_reader_and_ends(tmp_path: Path) -> None:
    counts = Counts()
    frames = play(write_numbered(tmp_path / "clip.mp4", 40), counts)
    assert [number_of(frame.image) for frame in frames] == list(range(40))
    assert [frame.time_s for frame in frames] == pytest.approx([number / 30 for number in range(40)], abs=1e-3)
    assert counts.seen == {("dock", "frame"): 40}


def test_a_reader_that_breaks_ends_in_the_open(tmp_path: Path) -> None:
    class Broken(Counts):
        def frame(self, camera: str) -> None:
            raise RuntimeError

    counts = Broken()
    with capture_logs() as logs:
        play(write_numbered(tmp_path / "clip.mp4", 5), counts)
    assert counts.seen["dock", "failed", "internal"] == 1
    assert "camera reader failed" in {line["event"] for line in logs}


def test_a_lower_rate_takes_evenly_spaced_frames(tmp_path: Path) -> None:
    counts = Counts()
    frames = play(write_numbered(tmp_path / "clip.mp4", 30), counts, rate_hz=10)
    assert [number_of(frame.image) for frame in frames] == list(range(0, 30, 3))
    assert counts.seen["dock", "dropped", "rate"] == 20


def test_a_tall_picture_is_reduced_and_a_small_one_never_enlarged(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "clip.mp4", 2, size=(640, 482))
    reduced = [frame.image.shape for frame in read_video(path, height_px=240, rate_hz=None)]
    assert reduced == [(240, 318, 3)] * 2
    assert next(read_video(path, height_px=1080, rate_hz=None)).image.shape == (482, 640, 3)


def test_the_picture_may_change_its_size_mid_stream(tmp_path: Path) -> None:
    small = write_numbered(tmp_path / "small.ts", 20, size=(320, 240))
    large = write_numbered(tmp_path / "large.ts", 20, size=(640, 360))
    both = tmp_path / "both.ts"
    both.write_bytes(small.read_bytes() + large.read_bytes())
    frames = play(both, Counts())
    assert {frame.image.shape for frame in frames} == {(240, 320, 3), (360, 640, 3)}
    assert len(frames) >= 38
    times_s = [frame.time_s for frame in frames]
    assert times_s == sorted(times_s)


def test_a_phone_video_is_shown_upright(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "phone.mp4", 2)
    data = path.read_bytes()
    upright = b"".join(value.to_bytes(4, "big", signed=True) for value in (1 << 16, 0, 0, 0, 1 << 16))
    turned = b"".join(value.to_bytes(4, "big", signed=True) for value in (0, 1 << 16, 0, -1 << 16, 0))
    track = data.index(b"tkhd")  # the track's display matrix: a quarter turn clockwise
    path.write_bytes(data[:track] + data[track:].replace(upright, turned, 1))

    info, frame = video_info(path), next(read_video(path, height_px=1080, rate_hz=None))
    assert (info.width, info.height) == (240, 320)
    assert frame.image.shape == (320, 240, 3)
    assert frame.image[8, -8].max() < 60  # the black block of the top left corner went to the top right


def test_a_truncated_file_gives_what_it_has_and_says_so(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "clip.mp4", 120)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    counts = Counts()
    with capture_logs() as logs:
        frames = play(path, counts)
    assert 30 < len(frames) < 110
    assert counts.seen["dock", "failed", "truncated"] == 1
    assert "video was cut off" in {line["event"] for line in logs}


def test_a_file_describes_itself(tmp_path: Path) -> None:
    info = video_info(write_numbered(tmp_path / "clip.mp4", 45, rate_hz=15))
    assert (info.duration_s, info.fps, info.frames) == pytest.approx((3.0, 15.0, 45), abs=0.01)


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("missing.mp4", None, "does not exist"),
        ("empty.mp4", b"", "0 bytes"),
        ("text.mp4", b"not a video\n" * 500, "not a video"),
        ("notes.txt", b"FFmpeg would play this as ANSI art\n" * 500, "not a video"),
    ],
)
def test_an_unfit_file_is_refused_in_one_line(tmp_path: Path, name: str, content: bytes | None, what: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    for attempt in (lambda: probe(str(path)), lambda: list(read_video(path, 720, None))):
        with pytest.raises(InputError, match=what) as caught:
            attempt()
        assert caught.value.fix
        assert "\n" not in caught.value.what + caught.value.fix
    counts = Counts()
    assert play(path, counts) == []
    assert counts.seen == {("dock", "failed", "input"): 1}


def test_a_file_cut_before_its_index_is_refused(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "clip.mkv", 30)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(InputError):
        probe(str(path))


def test_an_address_that_cannot_work_is_refused_without_showing_the_password(hanging_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    refused, unknown = f"rtsp://admin:hunter2@127.0.0.1:{port}/live", "gopher://admin:hunter2@host/live"
    for url, what in ((refused, "refused"), (hanging_url, "in time"), (unknown, "unknown kind")):
        with pytest.raises(InputError, match=what) as caught:
            probe(url, timeout_s=0.3)
        assert "hunter2" not in f"{caught.value.what} {caught.value.fix}"
    with pytest.raises(InputError, match="does not exist"):
        probe("987")


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("rtsp://admin:hunter2@10.0.0.7:554/ch1", "rtsp://***@10.0.0.7:554/ch1"),
        ("rtsp://admin:hun/ter2@@10.0.0.7/ch1", "rtsp://***@10.0.0.7/ch1"),
        ("rtsp://10.0.0.7/user=admin_password=hunter2_channel=1", "rtsp://10.0.0.7/***"),
        ("http://10.0.0.7/video.cgi?user=admin&pwd=hunter2", "http://10.0.0.7/video.cgi"),
        ("http://10.0.0.7/video.cgi?user=admin&pwd=hun@ter2", "http://***"),
        ("rtsp://admin:hun?ter2@10.0.0.7/ch1", "rtsp://***"),
        ("rtsp://10.0.0.7/ch1", "rtsp://10.0.0.7/ch1"),
        ("/videos/clip.mp4", "/videos/clip.mp4"),
        ("0", "0"),
    ],
)
def test_credentials_are_never_shown(source: str, shown: str) -> None:
    assert redact(source) == shown
