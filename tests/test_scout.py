"""Nobody is too small or too far aside to be looked at: tiles that cover, and windows on what moves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.records import Frame, Image
from edge_agent.pose.detector import Window
from edge_agent.pose.scout import Scout, tiles

WIDTH, HEIGHT = 1280, 720
# The detector misses people under about 15 % of a window's side; 1/4 is where it sees them well.
LARGEST_WINDOW = 4.0


def shows(window: Window, x: float, y: float, width: float, height: float) -> bool:
    inside_x = window.x <= x and x + width <= window.x + window.side_px
    return inside_x and window.y <= y and y + height <= window.y + window.side_px


@given(st.floats(120, 720), st.floats(0, 1), st.floats(0, 1))
def test_everyone_from_120_px_up_lies_wholly_in_a_window_of_fit_size(tall: float, x: float, y: float) -> None:
    wide = 0.4 * tall
    left, top = x * (WIDTH - wide), y * (HEIGHT - tall)
    fit = [window for window in tiles(WIDTH, HEIGHT) if window.side_px <= LARGEST_WINDOW * tall]
    assert any(shows(window, left, top, wide, tall) for window in fit)


@pytest.mark.parametrize("size", [(1280, 720), (720, 1280), (640, 480), (320, 240), (1920, 1080), (720, 720)])
def test_tiles_cover_frames_of_every_shape_and_stay_few(size: tuple[int, int]) -> None:
    width, height = size
    found = tiles(width, height)
    assert len(found) == len(set(found)) <= 40
    for x in range(0, width, 20):
        for y in range(0, height, 20):
            assert any(shows(window, x, y, 1, 1) for window in found)


def floor(seed: int = 0) -> Image:
    """An empty floor with a camera's noise."""
    noise = np.random.default_rng(seed).normal(0, 2, (HEIGHT, WIDTH, 1))
    return np.asarray(np.clip(100 + noise, 0, 255).repeat(3, 2), np.uint8)


def with_someone(x: int, y: int, seed: int = 0) -> Image:
    image = floor(seed)
    image[y : y + 120, x : x + 48] = 220
    return image


def shot(image: Image, time_s: float) -> Frame:
    return Frame("a", image, time_s)


def settled(scout: Scout) -> Scout:
    """After two seconds of an empty floor; the next tile is due a little later."""
    for number in range(30):
        scout.windows(shot(floor(number), number / 15), [], [])
    return scout


def test_the_first_frame_is_looked_at_everywhere() -> None:
    scout = Scout()
    assert scout.windows(shot(floor(), 0), [], []) == tiles(WIDTH, HEIGHT)
    assert set(scout.searches) == {"everywhere"}


def test_then_one_tile_after_the_other_gets_its_turn_where_it_has_changed() -> None:
    """A light goes on over one half of the floor."""
    scout, count = Scout(), len(tiles(WIDTH, HEIGHT))
    scout.windows(shot(floor(), 0), [], [])
    assert [scout.windows(shot(floor(second), second), [], []) for second in range(1, count)] == [[]] * (count - 1)
    lit = floor(count)
    lit[:, 640:] += 60
    turns = [scout.windows(shot(lit, count + second), [], []) for second in range(2 * count)]
    searched = [window for turn in turns for window in turn]
    assert searched == [tile for tile in tiles(WIDTH, HEIGHT) if tile.x + tile.side_px > 640]


@pytest.mark.parametrize(("x", "y"), [(0, 0), (600, 300), (1232, 600)])
def test_a_small_person_who_comes_in_gets_a_window_of_fit_size(x: int, y: int) -> None:
    scout = settled(Scout())
    (window,) = scout.windows(shot(with_someone(x, y), 2.0), [], [])
    assert shows(window, x, y, 48, 120)
    assert window.side_px <= LARGEST_WINDOW * 120
    assert scout.searches == ["motion"]


def test_where_somebody_is_followed_already_nothing_is_looked_for() -> None:
    assert settled(Scout()).windows(shot(with_someone(600, 300), 2.0), [Window(560, 260, 200)], []) == []


def test_where_somebody_was_lost_is_searched_at_once() -> None:
    scout, lost = settled(Scout()), Window(560, 260, 200)
    assert scout.windows(shot(floor(), 2.0), [], [lost]) == [lost]
    assert scout.searches == ["lost"]


def test_two_who_come_in_get_a_window_each() -> None:
    image = with_someone(200, 300)
    image[300:420, 900:948] = 220
    windows = settled(Scout()).windows(shot(image, 2.0), [], [])
    assert any(shows(window, 200, 300, 48, 120) for window in windows)
    assert any(shows(window, 900, 300, 48, 120) for window in windows)


def test_a_machine_that_moves_is_searched_less_and_less_and_a_person_beside_it_soon() -> None:
    scout, searches = settled(Scout()), []
    for number in range(20):
        time_s = 2.0 + 0.15 * number
        scout.windows(shot(with_someone(600, 300 + 12 * (number % 2), number), time_s), [], [])
        searches += [word for word in scout.searches if word != "tile"]
        scout.found([], time_s)
    assert searches.count("rested") > 2 * searches.count("motion") > 0
    both = with_someone(600, 300)
    both[300:420, 100:148] = 220
    windows = scout.windows(shot(both, 6.1), [], [])
    assert any(shows(window, 100, 300, 48, 120) for window in windows)


@pytest.mark.parametrize(("found", "sizes"), [(False, 3), (True, 1)])
def test_after_a_search_in_vain_the_next_window_is_another_size(found: bool, sizes: int) -> None:
    scout, sides = settled(Scout()), []
    for number in range(3):
        time_s = 2.0 + 3.0 * number
        window = scout.windows(shot(with_someone(300, 100 + 200 * number, number), time_s), [], [])[0]
        sides.append(round(window.side_px / 10))
        scout.found([window.centre] if found else [], time_s)
    assert len(set(sides)) == sizes


def test_a_knock_against_the_camera_is_nobody() -> None:
    shaken = np.roll(np.full_like(floor(), 220), 40, 1)
    assert settled(Scout()).windows(shot(shaken, 2.0), [], []) == []


def test_a_stream_that_changes_its_size_starts_anew() -> None:
    scout = settled(Scout())
    small = np.full((240, 320, 3), 100, np.uint8)
    assert scout.windows(shot(small, 2.0), [], []) == tiles(320, 240)


def test_a_new_size_is_a_stir() -> None:
    scout = settled(Scout())
    scout.windows(shot(floor()[::2, ::2], 9.0), [], [])
    assert scout.stirred


def test_a_stir_is_told_whatever_comes_of_it() -> None:
    """Whoever saves on a still camera has to know of all that moves: somebody, or the light, or the camera."""
    scout = settled(Scout())
    scout.windows(shot(floor(31), 2.1), [], [])
    scout.windows(shot(floor(32), 2.4), [], [])
    assert not scout.stirred
    scout.windows(shot(with_someone(400, 300), 2.7), [], [])
    assert scout.stirred
    scout.windows(shot(np.asarray(floor(33) // 2, np.uint8), 3.0), [], [])
    assert scout.stirred
