"""An INT8 landmarker: made only where NNCF is, used only where it is whole, and tested like any other."""

from collections.abc import Callable
from pathlib import Path

import openvino as ov
import pytest

from edge_agent import registry
from edge_agent.errors import InputError, RunError
from edge_agent.pose import int8, quantizer
from edge_agent.pose.devices import open_first
from edge_agent.pose.eyes import Eyes, graphs_of, marker_of
from edge_agent.pose.int8 import Record
from edge_agent.pose.network import Graph, new_core, prune
from edge_agent.pose.quantizer import Cells, check_nncf, kept
from edge_agent.pose.selftest import picture
from edge_agent.pose.speed import measure, remember
from edge_agent.quantize import quantize_files
from edge_agent.settings import PoseSettings, Settings
from tests.lift_events import a_lift

MARKER = marker_of(PoseSettings())


@pytest.fixture
def without_nncf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)


@pytest.mark.usefixtures("without_nncf")
def test_without_nncf_nothing_begins_and_the_cure_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs NNCF") as raised:
        quantize_files([tmp_path / "nowhere.mp4"], Settings())
    assert "requirements-quantize.lock" in raised.value.fix
    assert "hingewatch-edge-agent[quantize]" in raised.value.fix


def test_one_clip_is_too_few(monkeypatch: pytest.MonkeyPatch, first_lift_clip: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    check_nncf()
    with pytest.raises(InputError, match="cannot both calibrate and judge"):
        quantize_files([first_lift_clip], Settings())


def test_only_convolutions_on_the_middle_grids_are_quantised() -> None:
    *_, outlined = graphs_of(MARKER, PoseSettings())
    model = prune(new_core().read_model(outlined.path), outlined.outputs)
    fp32 = set(kept(model, Cells(8, 16)))
    convolutions = [node for node in model.get_ordered_ops() if node.get_type_name() == "Convolution"]
    quantized = [node for node in convolutions if node.get_friendly_name() not in fp32]
    assert 0 < len(quantized) < len(convolutions)
    assert {node.get_output_shape(0)[2] for node in quantized} == {8, 16}


@pytest.fixture
def int8_site(tmp_path: Path, copied_models: Callable[[Path], Path]) -> PoseSettings:
    """A box with an INT8 landmarker; this one computes in FP32 all the same, for making a real one takes NNCF."""
    folder = copied_models(tmp_path / "models")
    quantizer.save(ov.Core().read_model(registry.load(MARKER, folder)), int8.graph_path(MARKER, folder))
    note(folder, registry.entry(MARKER).sha256)
    return PoseSettings(models_dir=folder, cache_dir=tmp_path / "cache", precision="int8")


@pytest.fixture
def slow_site(tmp_path: Path, copied_models: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A box on which NNCF changes nothing, its models are as right and as slow as before; one lift in every clip."""

    def unchanged(core: ov.Core, graph: Graph, *_: object) -> ov.Model:
        return prune(core.read_model(graph.path), graph.outputs)

    monkeypatch.setattr("edge_agent.quantize.check_nncf", lambda: None)
    monkeypatch.setattr("edge_agent.quantize.quantize", unchanged)
    monkeypatch.setattr("edge_agent.quantize._calibration", lambda *_: [picture()])
    monkeypatch.setattr("edge_agent.quantize._watch", lambda clips, *_: [[a_lift()] for _ in clips])
    monkeypatch.setattr("edge_agent.pose.pace._ROUNDS", 3)
    monkeypatch.setattr("edge_agent.quantize.version", lambda name: name)
    monkeypatch.setattr("edge_agent.quantize.RUNGS", (Cells(8, 16),))
    folder = copied_models(tmp_path / "models")
    return Settings(pose=PoseSettings(models_dir=folder, cache_dir=tmp_path / "cache"))


def test_what_is_no_faster_on_too_few_lifts_is_not_kept(slow_site: Settings, first_lift_clip: Path) -> None:
    before = sorted(slow_site.pose.models_dir.iterdir())
    with pytest.raises(RunError, match="not shipped: the clips show 1 lifts, 200 are needed") as raised:
        quantize_files([first_lift_clip, first_lift_clip], slow_site)
    assert "times as long as in FP32" in raised.value.what
    assert sorted(slow_site.pose.models_dir.iterdir()) == before


def test_what_passes_is_kept_with_its_figures(
    slow_site: Settings, first_lift_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.core.gate.MOST_COST", 100.0)
    monkeypatch.setattr("edge_agent.core.gate.LEAST_LIFTS", 1)
    quantize_files([first_lift_clip, first_lift_clip], slow_site)
    known = int8.record(MARKER, slow_site.pose.models_dir)
    assert (known.same, known.lifts) == (1, 1)
    assert set(known.cost_ratios) == {"landmarks", "landmarks and outline"}
    Eyes(slow_site.pose.model_copy(update={"precision": "int8"}))


def test_a_folder_that_cannot_be_written_is_told_before_any_clip_is_watched(
    slow_site: Settings, first_lift_clip: Path, tmp_path: Path
) -> None:
    nowhere = slow_site.pose.model_copy(update={"models_dir": tmp_path / "nowhere"})
    with pytest.raises(InputError, match="cannot write models to"):
        quantize_files([first_lift_clip, first_lift_clip], Settings(pose=nowhere))


def note(folder: Path, source_sha256: str) -> None:
    record = Record(
        source_sha256=source_sha256,
        sha256=int8.digest(MARKER, folder),
        cells=(8, 16),
        same=200,
        lifts=200,
        cost_ratios={"landmarks": 0.7},
        machine="a box",
        versions={},
    )
    int8.parts(MARKER, folder)[2].write_text(record.model_dump_json())


def test_where_the_setting_says_so_the_int8_model_is_used_and_told(int8_site: PoseSettings) -> None:
    eyes = Eyes(int8_site)
    assert eyes.hashes[MARKER] == int8.digest(MARKER, int8_site.models_dir)
    assert eyes.hashes[MARKER] != registry.entry(MARKER).sha256
    assert eyes.fallbacks == ()


@pytest.mark.parametrize("part", [0, 1, 2], ids=["weights", "graph", "record"])
def test_an_int8_model_that_is_not_whole_is_not_used(int8_site: PoseSettings, part: int) -> None:
    path = int8.parts(MARKER, int8_site.models_dir)[part]
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match=r"altered|missing or unreadable") as raised:
        Eyes(int8_site)
    assert "models quantize" in raised.value.fix
    path.unlink()
    with pytest.raises(InputError, match="missing or unreadable"):
        Eyes(int8_site)


def test_an_int8_model_of_another_version_is_not_used(int8_site: PoseSettings) -> None:
    note(int8_site.models_dir, "0" * 64)
    with pytest.raises(InputError, match="made of another version"):
        Eyes(int8_site)


def test_the_two_precisions_have_their_own_speed_on_record(int8_site: PoseSettings) -> None:
    in_int8, _ = graphs_of(MARKER, int8_site)
    in_fp32, _ = graphs_of(MARKER, int8_site.model_copy(update={"precision": "fp32"}))
    first = measure(open_first(new_core(), in_fp32, "CPU").network, int8_site.models_dir)
    remember([first], int8_site.models_dir)
    assert measure(open_first(new_core(), in_int8, "CPU").network, int8_site.models_dir).first_ms is None
