"""Drawings: readable, told apart by the colour-blind, and never with a face."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from edge_agent.camera import read_video, video_info
from edge_agent.core.records import TECHNIQUES, Image, Technique
from edge_agent.draw import (
    BACK_COLOUR,
    TECHNIQUE_COLOURS,
    AnnotatedVideo,
    blur_face,
    draw_back,
    draw_skeleton,
    draw_verdict,
)
from edge_agent.errors import InputError

SIZES = pytest.mark.parametrize("size", [(640, 360), (1920, 1080)], ids=["360p", "1080p"])


def noise(width: int, height: int) -> Image:
    """Detail at every scale, as a face has it; the seed is fixed."""
    random = np.random.default_rng(7)
    image = np.zeros((height, width, 3), np.float32)
    for cells in (4, 8, 16, 32, 64):
        layer = random.normal(size=(cells, cells, 3)).astype(np.float32)
        image += cv2.resize(layer, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(128 + 30 * image, 0, 255).astype(np.uint8)


def detail(image: Image) -> Image:
    """What a face is recognised by: all that is finer than a seventh of the head."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32)
    return np.asarray(grey - cv2.GaussianBlur(grey, (0, 0), image.shape[0] / 7))


def similarity(one: Image, other: Image) -> float:
    return float(np.corrcoef(detail(one).ravel(), detail(other).ravel())[0, 1])


@pytest.mark.parametrize("head_px", [16, 60, 240])
def test_a_blurred_face_has_no_detail_left(head_px: int) -> None:
    half = head_px // 2
    face = slice(240 - half, 240 + half), slice(320 - half, 320 + half)
    image = np.full((480, 640, 3), 128, np.uint8)
    image[face] = noise(2 * half, 2 * half)
    points = np.array([[320 - 0.3 * head_px, 240], [320, 240], [320 + 0.3 * head_px, 240], [np.nan, np.nan]])
    blurred = blur_face(image, points, head_px)
    assert abs(similarity(blurred[face], image[face])) < 0.25
    assert detail(blurred[face]).std() < 0.2 * detail(image[face]).std()
    far = np.hypot(*(np.indices((480, 640)) - np.array([240, 320])[:, None, None])) > 1.2 * head_px
    assert np.array_equal(blurred[far], image[far])  # the rest is untouched


@pytest.mark.parametrize("centre", [(0, 0), (639, 470), (-500, 100)], ids=["corner", "edge", "outside"])
def test_a_face_at_the_border_is_blurred_as_far_as_it_is_seen(centre: tuple[int, int]) -> None:
    image = noise(640, 480)
    blurred = blur_face(image, np.array([centre], np.float32), 80)
    x, y = centre
    inside = slice(max(0, y - 20), max(0, y + 20)), slice(max(0, x - 20), max(0, x + 20))
    assert blurred.shape == image.shape
    assert not blurred[inside].size or not np.array_equal(blurred[inside], image[inside])


def test_without_a_head_nothing_changes() -> None:
    image = noise(64, 48)
    assert np.array_equal(blur_face(image, np.full((3, 2), np.nan), 20), image)


@SIZES
def test_bones_are_drawn_between_visible_ends_only(size: tuple[int, int]) -> None:
    width, height = size
    black = np.zeros((height, width, 3), np.uint8)
    xy = np.full((33, 2), np.nan)
    visibility = np.zeros(33)
    for joint, x in ((11, 0.2), (13, 0.4), (15, 0.6)):  # left shoulder, elbow, wrist
        xy[joint], visibility[joint] = (x * width, 0.5 * height), 0.9
    visibility[15] = 0.3
    drawn = draw_skeleton(black, xy, visibility)
    assert drawn[height // 2, int(0.3 * width)].min() > 200
    assert drawn[height // 2, int(0.5 * width)].max() == 0
    assert black.max() == 0


def test_the_back_is_a_bright_line_and_its_chord_a_dashed_one() -> None:
    image = np.zeros((360, 640, 3), np.uint8)
    outline = np.array([[100.0, 100], [300, 50], [500, 100]])
    drawn = draw_back(image, outline, np.array([[100.0, 200], [500, 200]]))
    assert tuple(drawn[75, 200]) == BACK_COLOUR
    along = drawn[200, 100:500].max(axis=1) > 100
    assert 0.3 < along.mean() < 0.8
    assert draw_back(image, outline[:0], outline[:2]).any()


@SIZES
@pytest.mark.parametrize("technique", TECHNIQUES)
def test_a_verdict_is_legible_and_stays_in_the_picture(size: tuple[int, int], technique: Technique) -> None:
    bright = np.full((size[1], size[0], 3), 250, np.uint8)
    lines = (
        "rounded back, 93 %",
        "trunk 68°, knee 27°, spine 48°",
        "the back's outline leaves its chord " * 3,
    )
    drawn = draw_verdict(bright, lines, technique)
    panel = (drawn != bright).any(axis=2)
    rows, columns = np.nonzero(panel)
    assert rows.max() < size[1] * 0.6
    assert columns.max() < size[0] * 0.7
    inside = drawn[rows.min() : rows.max(), columns.min() : columns.max()]
    assert (inside.min(axis=2) > 240).mean() > 0.02  # white letters …
    assert (inside.max(axis=2) < 60).mean() > 0.6  # … on a dark ground
    assert (inside == np.array(TECHNIQUE_COLOURS[technique], np.uint8)).all(axis=2).any()


def test_the_written_video_plays_with_every_frame_at_its_time(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    times_s = [0.0, 0.1, 0.2, 0.3, 0.3, 0.6]  # a doubled and a missing frame, as live streams have them
    with AnnotatedVideo(path, rate_hz=10) as video:
        for number, time_s in enumerate(times_s):
            size = (321, 241) if number < 4 else (640, 480)  # a camera that changes its size
            video.write(noise(*size), time_s)
    frames = list(read_video(path, 1080, None))
    assert [frame.time_s for frame in frames] == pytest.approx(times_s, abs=1e-3)
    assert {frame.image.shape for frame in frames} == {(240, 320, 3)}
    assert video_info(path).frames == 6
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # plays while it loads


@contextmanager
def no_file_larger_than(size_bytes: int) -> Iterator[None]:
    """As a full disk is: an error of the write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def write_noise(path: Path) -> int:
    with AnnotatedVideo(path, 10) as video:
        for number in range(40):
            video.write(noise(320, 240), number / 10)
    return path.stat().st_size


@pytest.mark.parametrize("missing", [0.9, 0.0], ids=["while it is written", "at its very end"])
def test_a_disk_that_fills_up_is_said_in_one_line(tmp_path: Path, missing: float) -> None:
    size_bytes = write_noise(tmp_path / "whole.mp4")
    with (
        no_file_larger_than(int(size_bytes * (1 - missing)) - 1),
        pytest.raises(InputError, match=r"cannot write .*File too large") as said,
    ):
        write_noise(tmp_path / "cut.mp4")
    assert said.value.fix == "make room on the disk, then run again"


def test_a_folder_that_does_not_exist_is_said_in_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match="cannot write"),
        AnnotatedVideo(tmp_path / "no" / "out.mp4", 10) as video,
    ):
        video.write(noise(64, 48), 0.0)
