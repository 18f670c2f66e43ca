"""Noise and darkness are taken out of the pictures of cameras that have them; all other pictures stay as they are."""

import numpy as np
import pytest

from edge_agent.core.light import DIM, NOISY
from edge_agent.core.records import Image
from edge_agent.pose.retouch import Retouch

SIZE = (180, 320)


def hall(low: int, high: int) -> Image:
    """A floor that gets lighter from left to right, with a dark shelf on it."""
    floor = np.linspace(low, high, SIZE[1]).round().astype(np.uint8)
    picture = np.repeat(np.tile(floor, (SIZE[0], 1))[..., np.newaxis], 3, 2)
    picture[60:120, 100:140] = low
    return picture


def filmed(scene: Image, noise: float, seed: int) -> Image:
    grain = np.random.default_rng(seed).normal(0, noise, scene.shape)
    return np.asarray(np.clip(np.round(scene + grain), 0, 255), np.uint8)


def with_someone(scene: Image, x: int) -> Image:
    picture = scene.copy()
    picture[40:150, x : x + 30] = 200
    return picture


def error(picture: Image, scene: Image) -> float:
    """Grey levels, root mean square."""
    return float(np.sqrt(np.mean((picture.astype(float) - scene) ** 2)))


def test_a_clear_picture_is_passed_on_untouched() -> None:
    retouch, scene = Retouch(), hall(20, 220)
    for x in range(0, 200, 10):
        picture = with_someone(scene, x)
        assert retouch.clear(picture) is picture


def test_noise_fades_where_nothing_moves_and_who_moves_leaves_no_trail() -> None:
    retouch, scene, noise = Retouch(), hall(20, 220), 6.0
    for number in range(30):
        truth = with_someone(scene, 5 * number)
        cleared = retouch.clear(filmed(truth, noise, number))
    assert retouch.light.noise == pytest.approx(noise, rel=0.25)
    assert error(cleared[:, 220:], truth[:, 220:]) < 0.4 * noise
    assert error(cleared[40:150, 100:200], truth[40:150, 100:200]) < noise  # where they are, and where they just were


def test_what_is_still_measured_as_noise_is_more_than_a_compressed_stream_has() -> None:
    retouch, scene = Retouch(), hall(20, 220)
    for number in range(10):
        picture = filmed(scene, NOISY / 4, number)
        assert retouch.clear(picture) is picture


def test_light_that_goes_on_over_a_noisy_camera_leaves_no_ghost() -> None:
    retouch, evening, noise = Retouch(), hall(20, 150), 6.0
    for number in range(20):
        retouch.clear(filmed(evening, noise, number))
    night = hall(80, 210)
    assert error(retouch.clear(filmed(night, noise, 20)), night) < noise


def test_black_bars_and_a_bright_window_do_not_hide_the_noise() -> None:
    retouch, scene = Retouch(), hall(60, 180)
    scene[:30], scene[150:], scene[40:80, 200:300] = 0, 0, 255
    for number in range(12):
        picture = filmed(scene, 6, number)
        picture[:30], picture[150:], picture[40:80, 200:300] = 0, 0, 255
        retouch.clear(picture)
    assert retouch.light.noise > 2 * NOISY


def test_a_camera_that_is_moved_is_not_noisy() -> None:
    """Held in a hand, say: all edges move, but a wall between them looks the same."""
    retouch, scene = Retouch(), hall(20, 220)
    scene[:, 100:220:16] = 0
    for number in range(12):
        picture = np.roll(scene, 2 * number, axis=1)
        assert retouch.clear(picture) is picture


def test_a_dim_picture_gets_more_levels() -> None:
    cleared = Retouch().clear(hall(15, 15 + DIM // 2))
    assert int(cleared.max()) - int(cleared.min()) > 4 * (DIM // 2)


def test_the_name_and_time_that_a_camera_writes_are_no_light() -> None:
    retouch, scene = Retouch(), hall(15, 15 + DIM // 2)
    scene[4:20, 10:150:4], scene[164:176, 200:310:4] = 255, 255
    for _ in range(40):
        cleared = retouch.clear(scene)[24:156]
    assert int(cleared.max()) - int(cleared.min()) > 4 * (DIM // 2)
    assert retouch.light.levels == pytest.approx(DIM // 2, abs=1)


def test_the_picture_of_a_covered_lens_is_left_alone() -> None:
    """What would be spread there is noise, and noise moves: the box would search for people in it all night."""
    retouch = Retouch()
    for number in range(20):
        picture = filmed(np.full((*SIZE, 3), 8, np.uint8), NOISY / 2, number)
        assert retouch.clear(picture) is picture


def test_when_the_lights_go_on_it_is_left_alone_again() -> None:
    retouch = Retouch()
    assert all(retouch.clear(hall(15, 55)).max() > 180 for _ in range(8))
    day = hall(20, 220)
    assert retouch.clear(day) is day


def test_a_lamp_that_flickers_switches_nothing_and_is_no_noise() -> None:
    retouch = Retouch()
    dim, brighter = hall(10, 10 + DIM - 5), hall(10, 10 + DIM + 5)
    assert all(retouch.clear(dim if number % 32 < 16 else brighter).max() > 160 for number in range(160))
    assert retouch.light.noise < NOISY


def test_a_stream_that_changes_its_size_starts_anew() -> None:
    retouch = Retouch()
    for number in range(8):
        retouch.clear(filmed(hall(20, 220), 8, number))
    small = hall(20, 220)[::2, ::2]
    assert retouch.clear(small) is small


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (2, 1280), (720, 3)])
def test_pictures_that_show_nobody_anyway_do_no_harm(size: tuple[int, int]) -> None:
    retouch = Retouch()
    for number in range(6):
        scene = np.full((*size, 3), 120, np.uint8)
        assert retouch.clear(filmed(scene, 20, number)).shape == scene.shape
