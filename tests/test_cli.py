"""What a person at a terminal sees: the real program, as a process of its own."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent import __version__, cli, service
from tests.services import Mosquitto

EXAMPLE = Path(__file__).parents[1] / "configs" / "example.yaml"
PROGRAM = [sys.executable, "-c", "from edge_agent.cli import main; main()"]


def edge_agent(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)


def test_help_names_every_command_and_imports_no_heavy_part() -> None:
    listing = "import sys; sys.argv = ['edge-agent', '--help']\ntry:\n  from edge_agent.cli import main; main()\n"
    listing += "finally: print([m for m in ('openvino', 'av', 'cv2', 'paho', 'pydantic') if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, timeout=60, check=False)
    for command in (
        "run",
        "analyze",
        "evaluate",
        "bench",
        "bridge",
        "doctor",
        "setup",
        "discover",
        "models",
        "config",
        "simulate-fleet",
    ):
        assert f"│ {command} " in said.stdout
    assert said.stdout.rstrip().endswith("[]")


def test_version() -> None:
    assert edge_agent("--version").stdout == f"edge-agent {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["run"], "give either --config FILE or --demo"),
        (["run", "--demo", "--config", EXAMPLE], "give either --config FILE or --demo"),
        (["run", "--config", EXAMPLE], "names no cameras"),
        (["setup"], "no settings file is named"),
        (["run", "--config", "nowhere.yaml"], "cannot read the settings file nowhere.yaml"),
        (["analyze", "nowhere.mp4"], "nowhere.mp4 does not exist"),
        (["evaluate", "nowhere.json", "nowhere"], "nowhere is no folder"),
        (["evaluate", "nowhere.json", "."], "cannot read the labels nowhere.json"),
        (["models", "pull", "pose-detektor"], "unknown model 'pose-detektor'"),
    ],
)
def test_bad_input_is_exit_code_2_one_line_of_what_and_one_of_what_to_do(
    arguments: list[str | Path], what: str
) -> None:
    said = edge_agent(*arguments)
    error, fix = said.stderr.splitlines()
    assert said.returncode == 2
    assert error.startswith("error: ")
    assert what in error
    assert fix.startswith("fix: ")
    assert said.stdout == ""


def test_config_check_says_ok_or_every_flaw(tmp_path: Path) -> None:
    assert edge_agent("config", "check", EXAMPLE).stdout == "OK: site my-site, agent edge-1, cameras: none\n"

    wrong = tmp_path / "site.yaml"
    wrong.write_text("privacy: {bukcet_s: 1, min_lifts: 0}\n")
    said = edge_agent("config", "check", wrong)
    assert said.returncode == 2
    assert said.stderr.count("error: ") == said.stderr.count("fix: ") == 2
    assert "did you mean `bucket_s`?" in said.stderr


def test_a_missing_model_is_named_by_verify_and_by_list(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(f"pose: {{models_dir: {tmp_path}}}\n")

    said = edge_agent("models", "verify", "--config", site)
    assert said.returncode == 2
    assert "fix: run: edge-agent models pull" in said.stderr

    listed = edge_agent("models", "list", "--config", site)
    assert listed.returncode == 0
    assert listed.stdout.count("missing") == 4


def test_the_unexpected_is_one_line_without_its_message_until_debug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def breaks(*_: object) -> None:
        raise ZeroDivisionError("rtsp://user:hunter2@camera/")

    site = tmp_path / "site.yaml"
    site.write_text("cameras:\n  - {name: dock, source: 0}\n")
    monkeypatch.setattr(service, "run", breaks)
    monkeypatch.setattr(cli, "_configure_logging", lambda debug: None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)

    monkeypatch.setattr(sys, "argv", ["edge-agent", "run", "--config", str(site)])
    with pytest.raises(SystemExit) as raised:
        cli.main()
    said = capsys.readouterr().err
    assert raised.value.code == 1
    assert said.startswith("error: unexpected ZeroDivisionError at test_cli.py:")
    assert said.endswith("\nfix: run again with --debug\n")
    assert "hunter2" not in said

    sys.argv.append("--debug")
    with pytest.raises(SystemExit):
        cli.main()
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_lets_the_agent_finish_and_leaves_quietly(tmp_path: Path, number: signal.Signals, code: int) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("cameras:\n  - {name: dock, source: 0}\n")
    patient = textwrap.dedent(f"""
        import sys
        from edge_agent import service
        from edge_agent.cli import main
        def run(settings, read, stop):
            print("watching", flush=True)
            stop.wait()
            print("finished", flush=True)
        service.run = run
        sys.argv = ["edge-agent", "run", "--config", {str(site)!r}]
        main()
    """)
    with subprocess.Popen(
        [sys.executable, "-c", patient], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "watching\n"
        process.send_signal(number)
        said, complaints = process.communicate(timeout=30)
    assert (said, complaints, process.returncode) == ("finished\n", "", code)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path, password="right") as running:
        yield running


def test_doctor_names_each_fault_with_its_cure(tmp_path: Path, broker: Mosquitto) -> None:
    clip = tmp_path / "empty.mp4"
    clip.touch()
    blocked = tmp_path / "blocked"
    blocked.touch()
    site = tmp_path / "site.yaml"
    site.write_text(
        "cameras:\n"
        f"  - {{name: empty, source: {clip}}}\n"
        '  - {name: dead, source: "rtsp://viewer:hunter2@127.0.0.1:1/x"}\n'
        f"pose: {{device: NPU, models_dir: {tmp_path}}}\n"
        f"outbox: {{path: {blocked}/outbox.sqlite}}\n"
        f"mqtt: {{port: {broker.port}, username: agent}}\n"
    )
    environ = os.environ | {"HINGEWATCH_MQTT_PASSWORD": "wrong"}
    said = subprocess.run(
        [*PROGRAM, "doctor", "--json", "--config", site],
        env=environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    findings = {finding["check"]: finding for finding in json.loads(said.stdout)}
    failed = {check for check, finding in findings.items() if finding["state"] == "fail"}

    assert said.returncode == 1
    assert failed == {
        "openvino", "model pose-detector", "model pose-landmarker-full",
        "camera empty", "camera dead", "outbox.path", "broker",
    }  # fmt: skip
    assert all(findings[check]["fix"] for check in failed)
    assert "CPU" in findings["openvino"]["detail"]
    assert "refused" in findings["broker"]["detail"]
    assert "hunter2" not in said.stdout + said.stderr


def test_doctor_is_content_with_a_healthy_box(tmp_path: Path, broker: Mosquitto) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(f"mqtt: {{port: {broker.port}, username: agent}}\noutbox: {{path: {tmp_path}/outbox.sqlite}}\n")
    secret = tmp_path / "secret"
    secret.write_text("right\n")
    secret.chmod(0o600)
    with site.open("a") as more:
        more.write("bridge: {state_path: " + str(tmp_path / "bridge.sqlite") + "}\n")
    site.write_text(site.read_text().replace("username: agent", f"username: agent, password_file: {secret}"))

    said = edge_agent("doctor", "--config", site)

    assert said.returncode == 0, said.stdout
    assert "answers: Success" in said.stdout
    assert not (tmp_path / "outbox.sqlite").exists(), "the doctor changes nothing"
