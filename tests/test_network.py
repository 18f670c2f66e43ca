"""OpenVINO at the seam: the device that is really there, answers in order, and failure that is no emptiness."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edge_agent import registry
from edge_agent.core.records import Image
from edge_agent.errors import RunError
from edge_agent.pose import detector
from edge_agent.pose.eyes import Eyes
from edge_agent.pose.network import Graph, InferenceError, Network, new_core
from edge_agent.settings import PoseSettings

PICTURE_PX = 224


def graph() -> Graph:
    path = registry.load("pose-detector", PoseSettings().models_dir)
    return Graph("pose-detector", path, detector.OUTPUTS, "-1..1")


@pytest.fixture(scope="module")
def network() -> Network:
    return Network(new_core(), graph(), "CPU")


def picture(grey: int = 90) -> Image:
    return np.full((PICTURE_PX, PICTURE_PX, 3), grey, np.uint8)


def test_the_device_really_used_is_told(eyes: Eyes) -> None:
    assert set(eyes.devices.values()) == {"CPU"}


@pytest.mark.parametrize("device", ["GPU", "NPU", "AUTO:NPU", "TOASTER"])
def test_a_device_that_is_absent_is_a_plain_error(device: str) -> None:
    with pytest.raises(RunError) as caught:
        Network(new_core(), graph(), device)
    assert device in caught.value.what
    assert "\n" not in caught.value.what
    assert "pose.device" in caught.value.fix


def test_answers_come_in_the_order_of_the_pictures(network: Network) -> None:
    pictures = [picture(grey) for grey in range(0, 250, 25)]
    alone = [network.infer([one])[0]["Identity_1"] for one in pictures]
    together = network.infer(pictures)
    assert len(together) == len(pictures)
    for answer, wanted in zip(together, alone, strict=True):
        assert answer["Identity_1"] == pytest.approx(wanted, abs=1e-3)


def test_no_picture_no_answer(network: Network) -> None:
    assert network.infer([]) == []


def test_an_answer_is_not_overwritten_by_the_next(network: Network) -> None:
    first = network.infer([picture(10)])[0]["Identity_1"]
    kept = first.copy()
    network.infer([picture(250)])
    assert (first == kept).all()


@pytest.mark.parametrize("size_px", [1, 10])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_failed_request_is_an_error_and_the_next_is_served(network: Network, place: int, size_px: int) -> None:
    """Never an empty answer: that would say that nobody is there."""
    pictures = [picture(), picture(), picture()]
    pictures[place] = np.zeros((size_px, size_px, 3), np.uint8)
    with pytest.raises(InferenceError) as caught:
        network.infer(pictures)
    assert caught.value.model == "pose-detector"
    assert "pose-detector failed on CPU" in caught.value.what
    assert "\n" not in caught.value.what
    assert len(network.infer([picture(), picture(), picture()])) == 3


def test_cameras_that_ask_at_once_get_their_own_answers(network: Network) -> None:
    shades = [np.full((network.height, network.width, 3), level, np.uint8) for level in range(0, 240, 30)]
    alone = [network.infer([shade])[0] for shade in shades]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda shade: network.infer([shade])[0], shades * 5))
    for number, answer in enumerate(together):
        for name, values in alone[number % len(shades)].items():
            np.testing.assert_allclose(answer[name], values, rtol=1e-4, atol=1e-4)


class BrokenRequest:
    """An inference request whose device has gone."""

    def get_input_tensor(self) -> Any:
        return SimpleNamespace(data=np.zeros((1, PICTURE_PX, PICTURE_PX, 3), np.uint8))

    def start_async(self) -> None:
        """Begin as if all were well."""

    def wait(self) -> None:
        raise RuntimeError("Exception from src/inference/infer_request.cpp:245:\n\ndevice lost\n")


def test_a_device_lost_while_waiting_is_an_error_too(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network._requests, "made", [BrokenRequest()])
    with pytest.raises(InferenceError, match="pose-detector failed on CPU: device lost"):
        network.infer([picture()])


def test_an_altered_model_is_never_opened(tmp_path: Path, copied_models: Callable[[Path], Path]) -> None:
    folder = copied_models(tmp_path / "models")
    model = folder / "pose_detection.tflite"
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    with pytest.raises(Exception, match="altered"):
        Eyes(PoseSettings(models_dir=folder))
