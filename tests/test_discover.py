"""Cameras found on the network, as an installer finds them; and what a hostile answer can do: nothing."""

import base64
import json
import os
import socket
import subprocess
import sys
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from edge_agent import cli_discover
from edge_agent.camera import probe
from edge_agent.errors import InputError
from edge_agent.onvif import device
from edge_agent.onvif.checked import LONGEST_NAME, slug, stream_url
from edge_agent.onvif.device import FoundCamera, Login, Stream, ask
from edge_agent.onvif.discovery import Answer, answer_of
from edge_agent.onvif.report import entries, show
from edge_agent.onvif.soap import OnvifError, digest_of, parse
from edge_agent.settings_file import load
from tests.onvif_camera import OnvifCamera, probe_match, soap
from tests.services import RtspServer

LOGIN = Login("viewer", "right")
ELSEWHERE = "rtsp://192.0.2.66/stream"


def edge_agent(*arguments: str, password: str | None = None) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name != "HINGEWATCH_ONVIF_PASSWORD"}
    if password is not None:
        environ["HINGEWATCH_ONVIF_PASSWORD"] = password
    return subprocess.run(
        [sys.executable, "-c", "from edge_agent.cli import main; main()", "discover", *arguments],
        env=environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def camera_at(url: str, login: Login | None = LOGIN) -> FoundCamera:
    return ask(Answer("127.0.0.1", url), login)


@pytest.fixture(scope="module")
def stream() -> Iterator[RtspServer]:
    server = RtspServer("pattern")
    yield server
    server.kill()


def test_a_camera_is_found_by_multicast_and_what_is_pasted_is_opened_by_the_product(
    stream: RtspServer, tmp_path: Path
) -> None:
    with OnvifCamera({"main": stream.url, "sub": stream.url}, password="p@ss/1", discoverable=True):
        said = edge_agent("--interface", "lo", "--seconds", "1.5", "--user", "viewer", password="p@ss/1")
    assert said.returncode == 0, said.stderr
    assert "Dock 3" in said.stdout
    assert "1280x720 15 frames/s" in " ".join(said.stdout.split())
    assert "DOCK_3_PASSWORD" in said.stdout
    assert "p@ss" not in said.stdout + said.stderr
    site = tmp_path / "site.yaml"
    pasted = said.stdout[said.stdout.index("cameras:") :].partition("\n\n")[0]
    site.write_text(f"site: leeds\n{pasted}\n")
    (camera,) = load(site, {"DOCK_3_PASSWORD": "p@ss/1"}).cameras
    assert camera.name == "dock-3"
    assert camera.source == stream.url.replace("rtsp://", "rtsp://viewer:p%40ss%2F1@")
    assert probe(camera.source).width == 320


def test_a_camera_is_asked_by_its_address_where_multicast_does_not_reach(stream: RtspServer) -> None:
    """From a container, or from another VLAN. The password is asked for where it is not in the environment."""
    with OnvifCamera({"main": stream.url}) as camera:
        said = edge_agent("--json", "--address", f"localhost:{camera.port}", "--user", "viewer", password="right")
    (found,) = json.loads(said.stdout)
    assert found["streams"] == [{"url": stream.url, "codec": "H264", "width": 1920, "height": 1080, "fps": 15.0}]
    assert found["settings"]["source"].endswith(":${ACME_C_1_PASSWORD}@" + stream.url.removeprefix("rtsp://"))


def test_nobody_answers_and_it_is_said_what_to_check() -> None:
    said = edge_agent("--interface", "lo", "--seconds", "0.5", "--json")
    assert (said.returncode, said.stdout) == (1, "[]\n")
    assert "error: no camera answered" in said.stderr
    for cause in "VLAN", "multicast", "host networking", "--address":
        assert cause in said.stderr


@pytest.mark.parametrize(
    ("address", "interface", "what"),
    [
        (None, ["nowhere0"], "no network interface is called nowhere0"),
        (["two words"], None, "two words is not known"),
        (["127.0.0.1:x"], None, "is no address"),
    ],
)
def test_bad_input_is_told(address: list[str] | None, interface: list[str] | None, what: str) -> None:
    with pytest.raises(InputError, match=what):
        cli_discover.discover(address=address, interface=interface)


@pytest.mark.parametrize(
    ("login", "problem", "fix"),
    [
        (None, "asks who we are", "--user NAME"),
        (Login("viewer", "wrong"), "refuses user viewer", "check user and password"),
    ],
)
def test_who_is_not_let_in_is_told_what_to_give(login: Login | None, problem: str, fix: str) -> None:
    with OnvifCamera({"main": "rtsp://127.0.0.1/x"}) as camera:
        found = camera_at(camera.url, login)
    assert not found.streams
    assert problem in found.problem
    assert fix in found.fix


def test_a_camera_whose_clock_is_wrong_is_answered_by_its_own_clock() -> None:
    """It takes a proof only while it is fresh, and its own clock says when: many cameras were never set."""
    with OnvifCamera({"main": "rtsp://127.0.0.1/x"}, ahead=timedelta(days=-4000)) as camera:
        assert len(camera_at(camera.url).streams) == 1


def test_the_digest_is_that_of_the_standard() -> None:
    """The example of the ONVIF Application Programmer's Guide."""
    nonce = base64.b64decode("LKqI6G/AikKCQrN0zqZFlg==")
    assert digest_of("userpassword", nonce, "2010-09-16T07:50:45Z") == "tuOSpGlFlIXsozq4HFNeeGeFLEI="


# What a hostile device may try.


def test_a_stream_at_another_machine_is_left_out_and_said() -> None:
    """The password goes where the settings point."""
    with OnvifCamera({"main": ELSEWHERE, "sub": "rtsp://127.0.0.1/sub"}) as camera:
        found = camera_at(camera.url)
    assert [each.url for each in found.streams] == ["rtsp://127.0.0.1/sub"]
    assert "not at its own address" in found.problem


def test_a_profile_without_a_picture_does_not_cost_the_others() -> None:
    with OnvifCamera({"main": "rtsp://127.0.0.1/main", "sound": ""}) as camera:
        found = camera_at(camera.url)
    assert [each.url for each in found.streams] == ["rtsp://127.0.0.1/main"]
    assert found.problem


def test_a_media_service_at_another_machine_is_not_asked() -> None:
    with OnvifCamera({}) as camera, OnvifCamera({"main": "rtsp://127.0.0.1/x"}) as other:
        url = other.url.replace("127.0.0.1", "127.0.0.2")
        camera.answers["GetCapabilities"] = lambda _: f"<tt:Media><tt:XAddr>{url}</tt:XAddr></tt:Media>"
        found = camera_at(camera.url)
    assert found.problem == "names a media service at another address"
    assert other.requests == []


@contextmanager
def raw_server(reply: bytes, then: bytes = b"", times: int = 0) -> Iterator[str]:
    """Sends ``reply``, then ``then`` again and again, to whoever connects."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            try:
                while True:
                    with listener.accept()[0] as client:
                        asked = b""
                        while not asked.endswith(b"</s:Envelope>"):
                            asked += client.recv(65_536)
                        client.sendall(reply)
                        for _ in range(times):
                            client.sendall(then)
            except OSError:
                pass

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/onvif/device_service"


BOMB = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>&b;</s:Body></s:Envelope>"""
FILE = BOMB.replace(b'<!ENTITY b "', b'<!ENTITY b SYSTEM "file:///etc/passwd"><!ENTITY c "')


@pytest.mark.parametrize("body", [BOMB, FILE, b"", b"<html/>", b"\xff\xfe", b"<a>" * 100_000], ids=range(6))
def test_a_reply_that_is_no_harmless_soap_is_refused(body: bytes) -> None:
    with pytest.raises(OnvifError):
        parse(body)
    with raw_server(b"HTTP/1.1 200 OK\r\n\r\n" + body) as url:
        assert camera_at(url).problem.startswith("answers with")


def test_a_reply_without_end_is_cut_off() -> None:
    with raw_server(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65_536, 1000) as url:
        assert camera_at(url).problem == "answers without end"


def test_a_device_that_never_finishes_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert camera_at(f"http://127.0.0.1:{port}/").problem.startswith("does not answer")


def test_our_proof_is_not_carried_to_where_a_device_redirects() -> None:
    with OnvifCamera({"main": "rtsp://127.0.0.1/x"}) as other:
        with raw_server(f"HTTP/1.1 307 Go\r\nLocation: {other.url}\r\n\r\n".encode()) as url:
            assert camera_at(url).problem == "answers with an error (307)"
        assert other.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://192.0.2.66/x", "http://127.0.0.1/x", "file:///etc/passwd", "rtsp://127.0.0.1@192.0.2.66/x",
        "rtsp://127.0.0.1/${HOME}", "rtsp://127.0.0.1/\x1b[2J", "rtsp://127.0.0.1/a b", "rtsp://127.0.0.1:99999/x",
        "rtsp://127.0.0.1/" + "x" * 600, "rtsp://[127.0.0.1/x", "", 'rtsp://127.0.0.1/"',
    ],
)  # fmt: skip
def test_no_other_address_than_a_stream_at_the_device_is_believed(url: str) -> None:
    assert stream_url(url, "127.0.0.1") is None


def test_a_streams_address_loses_the_password_that_the_camera_wrote_into_it() -> None:
    assert stream_url("rtsp://a:b@127.0.0.1:554/x?y=1", "127.0.0.1") == "rtsp://127.0.0.1:554/x?y=1"


def test_who_answers_another_question_or_for_another_machine_is_not_heard() -> None:
    ours = probe_match("urn:uuid:1", "http://192.0.2.10/onvif")
    assert answer_of(ours, "192.0.2.10", "urn:uuid:1") == Answer(
        "192.0.2.10", "http://192.0.2.10/onvif", "Dock 3", "C-1"
    )
    assert answer_of(ours, "192.0.2.10", "urn:uuid:2") is None
    assert answer_of(ours, "192.0.2.66", "urn:uuid:1") is None


def harmless(text: str) -> bool:
    return not any(unicodedata.category(sign).startswith("C") for sign in text) and len(text) <= LONGEST_NAME


@given(st.text(st.characters(exclude_characters="<>&", exclude_categories=["Cs"])), st.text())
def test_whatever_a_device_calls_itself_is_harmless_to_show(name: str, url: str) -> None:
    quoted = "".join(f"%{byte:02x}" for byte in name.encode())
    answer = answer_of(probe_match("urn:uuid:1", "http://192.0.2.10/x", quoted), "192.0.2.10", "urn:uuid:1")
    assert answer is not None
    assert harmless(answer.name)
    found = FoundCamera(answer.name, answer.model, answer.host, (Stream("rtsp://192.0.2.10/x", "", 0, 0, 0.0),))
    (entry,) = entries([found], "us er")
    assert entry is not None
    assert load_names([entry]) == [entry["name"]]
    assert slug(url) == slug(slug(url))


def load_names(found: list[dict[str, str]]) -> list[str]:
    """As the settings file's reader reads what we print."""
    return [str(camera["name"]) for camera in yaml.safe_load(yaml.safe_dump({"cameras": found}))["cameras"]]


@given(st.binary() | st.binary().map(lambda noise: probe_match("urn:uuid:1", "http://192.0.2.10/x") + noise))
def test_no_datagram_breaks_the_reading(reply: bytes) -> None:
    answer = answer_of(reply, "192.0.2.10", "urn:uuid:1")
    assert answer is None or harmless(answer.name)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=4))
def test_cameras_of_any_names_get_distinct_ones_that_the_settings_take(names: list[str]) -> None:
    stream = Stream("rtsp://192.0.2.10/x", "H264", 1280, 720, 15.0)
    found = [FoundCamera(name, "", "192.0.2.10", (stream,)) for name in [*names, *names]]
    given_names = [entry["name"] for entry in entries(found, None) if entry]
    assert len(set(given_names)) == len(found)
    show(found, None, Console(file=StringIO()))


def test_the_smallest_stream_with_all_lines_that_are_looked_at_is_proposed() -> None:
    streams = tuple(
        Stream(f"rtsp://192.0.2.10/{lines}", "H264", lines * 16 // 9, lines, 15.0) for lines in (2160, 720, 360)
    )
    (entry,) = entries([FoundCamera("a", "", "192.0.2.10", streams)], None)
    assert entry == {"name": "a", "source": "rtsp://192.0.2.10/720"}


def test_a_media_uri_without_soap_around_it_is_no_answer() -> None:
    assert parse(soap("")).tag.endswith("Envelope")
