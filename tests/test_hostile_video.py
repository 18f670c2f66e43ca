"""Files that lie, break off or were tampered with: read, or refused in one line, in bounded memory."""

import random
import subprocess
import sys
from pathlib import Path
from typing import cast

import av
import pytest
from av.video.stream import VideoStream

from edge_agent.errors import InputError
from edge_agent.frames import read_video
from edge_agent.video import video_info
from tests.videos import write_numbered

PEAK_LIMIT_MB = 400
"""147 MB were measured, 88 of them before the file is opened."""


def write(path: Path, size: tuple[int, int], fmt: str, codec: str, *, rate_hz: int = 30, frames: int = 3) -> Path:
    with av.open(str(path), mode="w") as container:
        stream = cast(VideoStream, container.add_stream(codec, rate=rate_hz))
        stream.width, stream.height, stream.pix_fmt = *size, fmt
        for _ in range(frames):
            container.mux(stream.encode(av.VideoFrame(*size, fmt)))
        container.mux(stream.encode())
    return path


def ffmpeg(*words: str | Path) -> None:
    subprocess.run(["ffmpeg", "-v", "error", *map(str, words)], check=True, timeout=60)


def frames_or_refusal(path: Path) -> int | InputError:
    try:
        video_info(path)
        return sum(1 for _ in read_video(path, 720, 15.0))
    except InputError as error:
        return error


@pytest.mark.parametrize("seed", range(24))
def test_flipped_bits_are_read_past_or_refused(tmp_path: Path, seed: int) -> None:
    path = write_numbered(tmp_path / "clip.mp4", 20, (160, 120))
    dice, data = random.Random(seed), bytearray(path.read_bytes())
    for _ in range(dice.randint(1, 20)):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    path.write_bytes(data)

    frames_or_refusal(path)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.99])
def test_a_file_cut_off_anywhere_is_read_so_far_or_refused(tmp_path: Path, part: float) -> None:
    path = write_numbered(tmp_path / "clip.mp4", 20, (160, 120))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])

    frames_or_refusal(path)


def test_a_codec_nobody_knows_is_no_video(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "clip.mp4", 5, (160, 120))
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzz9"))

    assert isinstance(frames_or_refusal(path), InputError)


def test_a_brand_that_is_no_text_does_no_harm(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "clip.mp4", 5, (160, 120))
    path.write_bytes(path.read_bytes().replace(b"iso2", b"iso\xe3", 1))

    assert frames_or_refusal(path) != 0


@pytest.mark.parametrize(
    ("size", "fmt", "codec"),
    [
        ((16, 16), "yuv420p", "libx264"),
        ((101, 77), "yuv444p", "libx264"),
        ((64, 64), "yuv420p10le", "libx264"),
        ((64, 64), "gray", "libx264"),
        ((64, 64), "bgra", "ffv1"),
        ((16000, 2), "gray", "ffv1"),
        ((2, 16000), "gray", "ffv1"),
    ],
)
def test_odd_sizes_and_formats_are_read(tmp_path: Path, size: tuple[int, int], fmt: str, codec: str) -> None:
    assert frames_or_refusal(write(tmp_path / "clip.mkv", size, fmt, codec)) == 2


def test_a_thousand_frames_a_second_and_a_single_frame_are_read(tmp_path: Path) -> None:
    assert frames_or_refusal(write(tmp_path / "fast.mp4", (64, 64), "yuv420p", "libx264", rate_hz=1000)) == 1
    assert frames_or_refusal(write(tmp_path / "one.mp4", (64, 64), "yuv420p", "libx264", frames=1)) == 1


def test_an_absurd_picture_is_refused_in_bounded_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "huge.avi", (8000, 8000), "yuv420p", "mpeg4", frames=1)
    script = (  # VmHWM: getrusage would count the memory of the process that this one was forked from
        "import sys; from tests.test_hostile_video import frames_or_refusal; from pathlib import Path;"
        "print(type(frames_or_refusal(Path(sys.argv[1]))).__name__);"
        "print(*(l.split()[1] for l in open('/proc/self/status') if l.startswith('VmHWM')))"
    )
    command = [sys.executable, "-c", script, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    kind, peak_kb = done.stdout.split()

    assert kind == "InputError"
    assert int(peak_kb) < PEAK_LIMIT_MB * 1024


def test_time_that_jumps_back_and_far_ahead_is_read(tmp_path: Path) -> None:
    """Recorders that were restarted write such files: two streams in a row, each with a clock of its own."""
    early = write_numbered(tmp_path / "early.ts", 20, (160, 120))
    late = tmp_path / "late.ts"
    ffmpeg("-i", early, "-c", "copy", "-output_ts_offset", "40000", late)
    for name, parts in {"back.ts": (late, early), "ahead.ts": (early, late), "again.ts": (early, early)}.items():
        path = tmp_path / name
        path.write_bytes(b"".join(part.read_bytes() for part in parts))
        read = [frame.time_s for frame in read_video(path, 720, 15.0)]
        assert read
        assert read == sorted(read), "media time never runs backwards"


def test_one_pixel_is_a_picture(tmp_path: Path) -> None:
    assert frames_or_refusal(write(tmp_path / "pixel.mkv", (1, 1), "gray", "ffv1")) == 2


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    ffmpeg("-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac", path)
    refusal = frames_or_refusal(path)
    assert isinstance(refusal, InputError)
    assert "no video stream" in refusal.what


@pytest.mark.parametrize("box", [b"mvhd", b"mdhd"])
@pytest.mark.parametrize("timescale", [0, 1, 2**32 - 1])
def test_an_absurd_clock_or_duration_is_read_past_or_refused(tmp_path: Path, box: bytes, timescale: int) -> None:
    """The clock of the file, or of its pictures, ticks 0 or 4 billion times a second, or once."""
    path = write_numbered(tmp_path / "clip.mp4", 20, (160, 120))
    data = bytearray(path.read_bytes())
    place = data.index(box) + 4 + 4 + 8  # version and flags, two times of the box's version 0
    data[place : place + 4] = timescale.to_bytes(4, "big")
    path.write_bytes(data)

    frames_or_refusal(path)


def test_pictures_without_any_frame_rate_are_read(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "clip.mp4", 20, (160, 120))
    raw = tmp_path / "raw.mjpeg"
    ffmpeg("-i", path, "-f", "mjpeg", raw)
    assert frames_or_refusal(raw) != 0


@pytest.mark.parametrize("kind", ["truncated", "text", "sound"])
def test_analyze_says_it_in_two_lines(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "clip.mp4"
    whole = write_numbered(path, 20, (160, 120)).read_bytes()
    path.write_bytes({"truncated": whole[:40], "text": b"not a video", "sound": whole[len(whole) // 2 :]}[kind])
    command = [sys.executable, "-c", "from edge_agent.cli import main; main()", "analyze", str(path), "--json", "-"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["error", "fix"]
