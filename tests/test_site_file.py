"""Zones and masks drawn in the page, in the settings file: nothing else of it changes, and there is a way back."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from edge_agent.core.polygon import flaw
from edge_agent.errors import InputError
from edge_agent.settings import CameraSettings
from edge_agent.settings_file import SettingsError, load_text
from edge_agent.setup.floor import Floor, Mask, Zone
from edge_agent.setup.floor_text import with_floor
from edge_agent.setup.site_file import KEPT, ChangedMeanwhileError, SiteFile, with_drawn

LEFT = [(0.0, 0.4), (0.5, 0.4), (0.5, 1.0)]
RIGHT = [(0.6, 0.4), (0.9, 0.4), (0.9, 1.0), (0.6, 1.0)]
CORNER = [(0.8, 0.0), (1.0, 0.0), (1.0, 0.3)]

BLOCK = """\
# Leeds, dock side. Ask the site engineer before changing.
site:   leeds   # odd spacing stays
cameras:
    # by the gate
    - name: dock-3
      source: rtsp://viewer:${PASSWORD}@192.0.2.10/stream1
      # the floor as agreed with the works council
      zones:
        # the packers' side
        - name: pallet-line   # since May
          polygon: [[0.0, 0.40], [0.5, 0.4], [0.5, 1.0]]  # as measured
          workers: 6
        - name: gate
          polygon:
            - [0.6, 0.4]
            - [0.9, 0.4]
            - [0.9, 1.0]
      # a window of the office
      masks:
        - [[0.8, 0.0], [1.0, 0.0], [1.0, 0.3]]   # blinds
      rate_hz: 10
    - {name: yard, source: /dev/video0}   # in one line
    - name: ramp
      source: 1
      masks: []
privacy: {min_lifts: 5}
# the end
"""
ENVIRONMENT = {"PASSWORD": "s3cret"}


def the_floor(text: str, camera: str) -> Floor:
    """What the file has, as the page would send it back."""
    (found,) = [each for each in load_text(text, "site.yaml", ENVIRONMENT).cameras if each.name == camera]
    return Floor(
        zones=[
            Zone(was=index, name=zone.name, polygon=list(zone.polygon), workers=zone.workers)
            for index, zone in enumerate(found.zones)
        ],
        masks=[Mask(was=index, polygon=list(polygon)) for index, polygon in enumerate(found.masks)],
    )


def changed(text: str, camera: str, zones: Sequence[Zone], masks: Sequence[Mask]) -> str:
    return with_floor(text, camera, Floor(zones=list(zones), masks=list(masks)))


def difference(before: str, after: str) -> tuple[list[str], list[str]]:
    """Lines that went and lines that came."""
    old, new = before.splitlines(), after.splitlines()
    return [line for line in old if line not in new], [line for line in new if line not in old]


@pytest.fixture
def site(tmp_path: Path) -> SiteFile:
    path = tmp_path / "site.yaml"
    path.write_text(BLOCK)
    path.chmod(0o640)
    return SiteFile(path, ENVIRONMENT)


@pytest.mark.parametrize("camera", ["dock-3", "yard", "ramp"])
def test_what_was_not_changed_leaves_every_byte_alone(camera: str) -> None:
    assert with_floor(BLOCK, camera, the_floor(BLOCK, camera)) == BLOCK


def test_a_new_name_replaces_the_name_alone() -> None:
    floor = the_floor(BLOCK, "dock-3")
    zones = [floor.zones[0].model_copy(update={"name": "packing"}), *floor.zones[1:]]
    assert changed(BLOCK, "dock-3", zones, floor.masks) == BLOCK.replace("name: pallet-line ", "name: packing ")


def test_moved_corners_and_other_workers_keep_the_comments_beside_them() -> None:
    floor = the_floor(BLOCK, "dock-3")
    zones = [
        Zone(was=0, name="pallet-line", polygon=RIGHT, workers=8),
        Zone(was=1, name="gate", polygon=list(floor.zones[1].polygon), workers=3),
    ]
    gone, come = difference(BLOCK, changed(BLOCK, "dock-3", zones, floor.masks))
    assert [line.strip() for line in gone] == [
        "polygon: [[0.0, 0.40], [0.5, 0.4], [0.5, 1.0]]  # as measured", "workers: 6",
    ]  # fmt: skip
    assert [line.strip() for line in come] == [
        "polygon: [[0.6, 0.4], [0.9, 0.4], [0.9, 1.0], [0.6, 1.0]]  # as measured", "workers: 8", "workers: 3",
    ]  # fmt: skip


def test_a_new_zone_comes_before_the_comment_of_what_follows() -> None:
    floor = the_floor(BLOCK, "dock-3")
    after = changed(BLOCK, "dock-3", [*floor.zones, Zone(name="new", polygon=LEFT, workers=4)], floor.masks)
    expected = (
        "        - name: new\n          polygon: [[0.0, 0.4], [0.5, 0.4], [0.5, 1.0]]\n          workers: 4\n"
        "      # a window of the office\n"
    )
    assert after == BLOCK.replace("      # a window of the office\n", expected)


def test_a_deleted_zone_takes_its_own_lines_only() -> None:
    floor = the_floor(BLOCK, "dock-3")
    gone, come = difference(BLOCK, changed(BLOCK, "dock-3", floor.zones[1:], floor.masks))
    assert [line.split()[-1] for line in gone] == ["May", "measured", "6"]
    assert come == []
    empty = changed(BLOCK, "dock-3", [], [])
    assert "      zones: []\n        # the packers' side\n" in empty
    assert "      masks: []\n" in empty
    assert load_text(empty, "site.yaml", ENVIRONMENT).cameras[0].zones == ()


@pytest.mark.parametrize("camera", ["yard", "ramp"])
def test_a_camera_without_any_gets_its_first(camera: str) -> None:
    after = changed(BLOCK, camera, [Zone(name="on", polygon=LEFT)], [Mask(polygon=CORNER), Mask(polygon=RIGHT)])
    (found,) = [each for each in load_text(after, "site.yaml", ENVIRONMENT).cameras if each.name == camera]
    assert (found.zones[0].name, len(found.masks)) == ("on", 2)  # YAML alone would read `on` as true
    comments = [line.partition("#")[2] for line in BLOCK.splitlines() if "#" in line]
    assert [line.partition("#")[2] for line in after.splitlines() if "#" in line] == comments


def test_lines_end_as_the_file_ends_them_and_a_last_line_may_be_unended() -> None:
    windows = "cameras:\r\n  - name: dock\r\n    source: '0'"
    after = changed(windows, "dock", [Zone(name="left", polygon=LEFT)], [])
    assert after.startswith(windows + "\r\n    zones:\r\n      - name: left\r\n")
    assert after.count("\n") == after.count("\r\n")


def test_what_two_cameras_share_by_an_alias_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    shared = "cameras:\n  - name: a\n    source: '0'\n    masks: &m\n      - [[0, 0], [1, 0], [1, 1]]\n"
    shared += "  - name: b\n    source: '1'\n    masks: *m\n"
    path.write_text(shared)
    site = SiteFile(path, {})
    with pytest.raises(InputError, match="cannot edit"):
        site.save(site.read().digest, "b", Floor(zones=[], masks=[Mask(was=0, polygon=CORNER)]))
    assert path.read_text() == shared


corners = st.lists(st.tuples(*[st.integers(0, 40).map(lambda n: n / 40)] * 2), min_size=3, max_size=6)
polygons = corners.filter(lambda found: flaw(found) is None)
names = st.sampled_from(["pallet-line", "a", "0", "on", "null", "1e5", "x_y", "0x1", "12"])
zones = st.builds(Zone, name=names, polygon=polygons, workers=st.none() | st.integers(1, 40))


@given(
    camera=st.sampled_from(["dock-3", "yard", "ramp"]),
    keep=st.lists(st.booleans(), min_size=2, max_size=2),
    drawn=st.lists(zones, max_size=4, unique_by=lambda zone: zone.name),
    masks=st.lists(st.builds(Mask, polygon=polygons), max_size=3),
)
def test_whatever_is_drawn_the_file_says_it_and_keeps_its_comments(
    camera: str, keep: list[bool], drawn: list[Zone], masks: list[Mask]
) -> None:
    held = the_floor(BLOCK, camera)
    kept = [index for index in range(len(held.zones)) if keep[index]]
    changed_zones = [
        zone.model_copy(update={"was": kept[place] if place < len(kept) else None})
        for place, zone in enumerate(drawn)
    ]
    floor = Floor(zones=changed_zones, masks=[*held.masks, *masks])
    after = with_floor(BLOCK, camera, floor)
    old, new = (load_text(text, "site.yaml", ENVIRONMENT) for text in (BLOCK, after))
    cameras = [with_drawn(each, floor) if each.name == camera else each for each in old.cameras]
    assert new == old.model_copy(update={"cameras": tuple(cameras)})
    for comment in ("# Leeds", "# odd spacing stays", "# the packers' side", "# a window", "# blinds", "# the end"):
        assert comment in after


def test_saving_keeps_the_former_file_and_its_mode(site: SiteFile) -> None:
    before = site.path.stat()
    with capture_logs() as logs:
        site.save(site.read().digest, "ramp", Floor(zones=[Zone(name="left", polygon=LEFT)], masks=[]))
    after = site.path.stat()
    assert (stat.S_IMODE(after.st_mode), after.st_uid, after.st_gid) == (0o640, before.st_uid, before.st_gid)
    assert site.previous is not None
    assert site.previous.name.startswith("site.yaml.before-")
    assert site.previous.read_text() == BLOCK
    assert stat.S_IMODE(site.previous.stat().st_mode) == 0o640
    assert [line["event"] for line in logs] == ["the settings file was changed"]
    assert {path.name for path in site.path.parent.iterdir()} == {"site.yaml", site.previous.name}


def test_restoring_twice_is_where_one_began(site: SiteFile) -> None:
    saved = site.save(site.read().digest, "ramp", Floor(zones=[Zone(name="left", polygon=LEFT)], masks=[]))
    restored = site.restore(saved.digest)
    assert site.path.read_text() == restored.text == BLOCK
    assert site.restore(restored.digest).text == saved.text


def test_a_few_former_files_stay(site: SiteFile) -> None:
    version = site.read()
    for workers in range(1, KEPT + 4):
        zones = [Zone(was=None if workers == 1 else 0, name="left", polygon=LEFT, workers=workers)]
        version = site.save(version.digest, "ramp", Floor(zones=zones, masks=[]))
    assert len(list(site.path.parent.iterdir())) == KEPT + 1


def test_somebody_elses_change_is_not_written_over(site: SiteFile) -> None:
    digest = site.read().digest
    theirs = BLOCK.replace("min_lifts: 5", "min_lifts: 9")
    site.path.write_text(theirs)
    with pytest.raises(ChangedMeanwhileError, match="changed by somebody else"):
        site.save(digest, "ramp", Floor(zones=[], masks=[]))
    with pytest.raises(ChangedMeanwhileError, match="changed by somebody else"):
        site.restore(digest)
    assert site.path.read_text() == theirs
    assert site.previous is None


@pytest.mark.parametrize(
    ("zone", "place", "said"),
    [
        (Zone(name="Left Side", polygon=LEFT), ("name",), "not a fit name"),
        (Zone(name="left", polygon=[(0, 0), (1, 1), (1, 0), (0, 1)]), ("polygon",), "edge 1 crosses edge 3"),
        (Zone(name="left", polygon=[(0, 0), (1.5, 0), (1, 1)]), ("polygon", 1, 0), "less than or equal to 1"),
        (Zone(name="left", polygon=[(0, 0), (1, 0)]), ("polygon",), "has too few entries"),
        (Zone(name="left", polygon=LEFT, workers=0), ("workers",), "greater than or equal to 1"),
    ],
    ids=["name", "crossing", "outside", "two corners", "workers"],
)
def test_what_cannot_be_is_told_at_its_place_and_not_written(
    site: SiteFile, zone: Zone, place: tuple[str | int, ...], said: str
) -> None:
    with pytest.raises(SettingsError) as error:
        site.save(site.read().digest, "ramp", Floor(zones=[zone], masks=[]))
    (found,) = error.value.flaws
    assert getattr(found, "place", ()) == ("cameras", 2, "zones", 0, *place)
    assert said in getattr(found, "said", "")
    assert site.path.read_text() == BLOCK


def test_a_file_in_a_folder_that_may_not_be_written_stays_as_it_is(
    site: SiteFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(InputError) as error:
        site.save(site.read().digest, "ramp", Floor(zones=[Zone(name="left", polygon=LEFT)], masks=[]))
    assert "root" in error.value.fix
    assert site.path.read_text() == BLOCK


def test_a_link_to_the_file_stays_a_link(site: SiteFile, tmp_path: Path) -> None:
    link = tmp_path / "link.yaml"
    link.symlink_to(site.path)
    through = SiteFile(link, ENVIRONMENT)
    through.save(through.read().digest, "ramp", Floor(zones=[Zone(name="left", polygon=LEFT)], masks=[]))
    assert link.is_symlink()
    assert "left" in site.path.read_text()


def test_the_example_camera_of_the_documentation_can_be_edited() -> None:
    lines = (Path(__file__).parents[1] / "configs" / "example.yaml").read_text().splitlines()
    text = "cameras:\n" + "\n".join(line[1:] for line in lines if line.startswith("#   ")) + "\n"
    zone = yaml.safe_load(text)["cameras"][0]["zones"][0]
    zones = [Zone(was=0, **zone), Zone(name="new", polygon=RIGHT)]
    after = changed(text, "dock-3", zones, [])
    camera = CameraSettings.model_validate(yaml.safe_load(after)["cameras"][0])
    assert [each.name for each in camera.zones] == ["pallet-line", "new"]
    assert camera.masks == ()
    gone, come = difference(text, after)
    assert len(gone) == 2
    assert len(come) == 3
