"""A box with a device that cannot be trusted: what runs where, and who is told."""

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from prometheus_client import CollectorRegistry

from edge_agent import registry
from edge_agent.box import Box
from edge_agent.core.records import Image
from edge_agent.errors import InputError
from edge_agent.pose.devices import candidates, open_first
from edge_agent.pose.eyes import FINDER, Eyes, graphs_of, marker_of
from edge_agent.pose.network import Graph, Network, new_core
from edge_agent.pose.selftest import LARGEST_ERROR, SelfTestError, answer_of, error_of, golden, picture
from edge_agent.pose.speed import Speed, measure, remember
from edge_agent.settings import MqttSettings, OutboxSettings, PoseSettings, Settings
from tests.services import free_port

MODELS = (FINDER, marker_of(PoseSettings()))


@pytest.mark.parametrize(
    ("wanted", "here", "tried"),
    [
        ("AUTO:NPU,GPU,CPU", ["CPU"], ("CPU",)),
        ("AUTO:NPU,GPU,CPU", ["CPU", "GPU"], ("GPU", "CPU")),
        ("AUTO:GPU,CPU", ["CPU", "GPU.0", "GPU.1"], ("GPU", "CPU")),
        ("AUTO:GPU.1,CPU", ["CPU", "GPU.0", "GPU.1"], ("GPU.1", "CPU")),
        ("AUTO:NPU,GPU", ["CPU"], ("AUTO:NPU,GPU",)),  # nothing of it is here: OpenVINO's own error says so
        ("AUTO", ["CPU"], ("AUTO",)),
        ("CPU", ["CPU"], ("CPU",)),
        ("GPU", ["CPU"], ("GPU",)),  # taken at its word: never a silent fallback
    ],
)
def test_devices_are_tried_in_the_order_asked_for(wanted: str, here: list[str], tried: tuple[str, ...]) -> None:
    assert candidates(wanted, here) == tried


RealCore = ov.Core


class UntrustedGpu:
    """This machine's OpenVINO with a GPU added that compiles everything, and answers nought or not at all."""

    available_devices = ("CPU", "GPU")

    def __init__(self, *, compiles: bool = True) -> None:
        self._core = RealCore()
        self._compiles = compiles

    def read_model(self, *paths: Any) -> ov.Model:
        return self._core.read_model(*paths)

    def set_property(self, *properties: Any) -> None:
        self._core.set_property(*properties)

    def compile_model(self, model: ov.Model, device: str, config: dict[str, Any] | None = None) -> ov.CompiledModel:
        if device == "GPU" and not self._compiles:
            raise RuntimeError("clGetPlatformIDs error -1001")
        if device == "GPU":
            nought = ov.opset13.constant(np.float32(0))
            results = [ov.opset13.multiply(result.input_value(0), nought) for result in model.get_results()]
            model = ov.Model(results, model.get_parameters(), "nought")
        return self._core.compile_model(model, "CPU", config or {})


def graph() -> Graph:
    return graphs_of(FINDER, PoseSettings())[0]


def test_a_device_that_answers_wrongly_is_passed_over_and_told() -> None:
    opened = open_first(UntrustedGpu(), graph(), "AUTO:NPU,GPU,CPU")
    assert opened.network.device == "CPU"
    (fallback,) = opened.fallbacks
    assert (fallback.model, fallback.device) == (FINDER, "GPU")
    assert "answers wrongly" in fallback.error.what
    assert "driver" in fallback.error.fix


def test_a_device_whose_driver_fails_is_passed_over_too() -> None:
    opened = open_first(UntrustedGpu(compiles=False), graph(), "AUTO:GPU,CPU")
    assert opened.network.device == "CPU"
    assert "cannot use GPU" in opened.fallbacks[0].error.what


def test_where_no_device_answers_rightly_nothing_starts() -> None:
    with pytest.raises(SelfTestError, match="answers wrongly"):
        open_first(UntrustedGpu(), graph(), "GPU")


def test_a_box_with_a_bad_gpu_runs_on_cpu_and_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("edge_agent.pose.network.ov.Core", UntrustedGpu)
    page = CollectorRegistry()
    settings = Settings(
        cameras=(),
        mqtt=MqttSettings(port=free_port()),
        outbox=OutboxSettings(path=tmp_path / "outbox.sqlite"),
        pose=PoseSettings(cache_dir=tmp_path / "cache"),
    )
    Box(settings, page).run(threading.Event(), lambda _camera, _look: None)
    for model, fallbacks in zip(MODELS, (1, 2), strict=True):
        named = {"model": model, "device": "GPU"}
        assert page.get_sample_value("edge_agent_device_fallbacks_total", named) == fallbacks
        assert page.get_sample_value("edge_agent_device_info", {"model": model, "device": "CPU"}) == 1
        files = {"model": model, "sha256": registry.entry(model).sha256}
        assert page.get_sample_value("edge_agent_model_info", files) == 1
        assert page.get_sample_value("edge_agent_inference_slowdown", {"model": model}) == 1


def test_cpu_answers_in_fp32_where_it_would_rather_take_bfloat16() -> None:
    assert new_core().get_property("CPU", "INFERENCE_PRECISION_HINT") == ov.Type.f32


@pytest.fixture(scope="module")
def networks() -> list[Network]:
    return [Network(new_core(), graph, "CPU") for model in MODELS for graph in graphs_of(model, PoseSettings())]


def wrong(shown: Image) -> list[Image]:
    return [np.ascontiguousarray(shown[:, ::-1]), np.ascontiguousarray(shown[::-1]), np.zeros_like(shown)]


def test_the_right_answer_passes_and_another_pictures_does_not(networks: list[Network]) -> None:
    for network in networks:
        assert error_of(answer_of(network)) < LARGEST_ERROR / 5
        for shown in wrong(picture()):
            assert error_of(answer_of(network, shown)) > 3 * LARGEST_ERROR


def test_an_answer_that_is_no_number_never_passes(networks: list[Network]) -> None:
    answer = answer_of(networks[0])
    name = next(iter(answer))
    assert error_of(answer | {name: np.full_like(answer[name], np.nan)}) == float("inf")


def test_every_model_that_may_be_chosen_has_a_known_answer() -> None:
    for entry in registry.entries().values():
        assert {name for name in golden() if name.startswith(f"{entry.name}/")}


def test_the_first_speed_is_kept_and_later_ones_are_set_beside_it(networks: list[Network], tmp_path: Path) -> None:
    first = measure(networks[0], tmp_path)
    assert first.first_ms is None
    assert first.slowdown == 1
    remember([first], tmp_path)
    second = measure(networks[0], tmp_path)
    remember([second], tmp_path)
    assert second.first_ms == pytest.approx(first.answer_ms, abs=1e-3)
    assert measure(networks[0], tmp_path).first_ms == second.first_ms
    assert measure(networks[1], tmp_path).first_ms is None
    assert Speed(networks[0], 30.0, 20.0).slowdown == 1.5


def test_a_spoilt_record_is_made_anew(networks: list[Network], tmp_path: Path) -> None:
    (tmp_path / "speed.json").write_text("[1, 2")
    fresh = measure(networks[0], tmp_path)
    remember([fresh], tmp_path)
    assert measure(networks[0], tmp_path).first_ms is not None


def test_eyes_on_a_healthy_box_fell_back_nowhere(eyes: Eyes) -> None:
    assert eyes.fallbacks == ()


def test_a_cache_that_may_not_be_read_is_told_where_openvino_would_end_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of another user's, with mode 0700: `status: Permission denied`, and abort() out of C++."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InputError, match="may not be read"):
        Eyes(PoseSettings(cache_dir=tmp_path))
