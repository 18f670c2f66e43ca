"""What `edge-agent certs` makes, as a site engineer uses it: on Debian's broker, by hand, more than once."""

import hashlib
import os
import shutil
import signal
import socket
import ssl
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from typer.testing import CliRunner

from edge_agent.cli_certs import app
from edge_agent.errors import InputError
from edge_agent.site_certificates import SiteCertificates
from tests.services import free_port, program, wait_for


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_no_key_is_overwritten_where_the_authoritys_is_kept_elsewhere(tmp_path: Path) -> None:
    """As the command itself advises."""
    site = SiteCertificates(tmp_path / "site")
    site.make("north", ["broker.example"], ["edge-1"])
    authority = (site.folder / "ca.key").rename(tmp_path / "ca.key")
    before = contents(site.folder)
    with pytest.raises(InputError, match="would lock every agent out"):
        site.make("north", ["broker.example"], ["edge-1"])
    for refused in (lambda: site.add("edge-2"), site.renew):
        with pytest.raises(InputError, match=r"ca\.pem and \.key") as error:
            refused()
        assert "take ca.key away again" in error.value.fix
    assert contents(site.folder) == before
    authority.rename(site.folder / "ca.key")
    site.add("edge-2")
    assert site.agents == ["edge-1", "edge-2"]


@pytest.mark.parametrize(
    ("site", "broker", "agent", "told"),
    [
        ("s" * 63, "broker.example", "edge-1", "a certificate's name holds 64"),
        ("s" * 40, "broker.example", "a" * 40, "a certificate's name holds 64"),
        ("north", "broker.example:8883", "edge-1", "is no host name and no IP address"),
        ("north", "two words", "edge-1", "is no host name and no IP address"),
        ("north", "lager-süd.example", "edge-1", "is no host name and no IP address"),
        ("north", "", "edge-1", "is no host name and no IP address"),
        ("north", "*.example", "edge-1", "is no host name and no IP address"),
    ],
)
def test_a_name_that_no_certificate_can_hold_is_told_before_anything_is_written(
    tmp_path: Path, site: str, broker: str, agent: str, told: str
) -> None:
    with pytest.raises(InputError, match=told):
        SiteCertificates(tmp_path / "site").make(site, [broker], [agent])
    assert not (tmp_path / "site").exists()


def test_a_long_broker_name_and_ipv6_are_fine(tmp_path: Path) -> None:
    long = f"{'x' * 60}.warehouse.example"
    SiteCertificates(tmp_path / "site").make("north", [long, "2001:db8::1"], ["edge-1"])
    SiteCertificates(tmp_path / "site").renew()


class DebianBroker:
    """mosquitto as Debian starts it: as root, to go on as the user mosquitto, with a folder of further settings."""

    def __init__(self, folder: Path, site: Path) -> None:
        self.port, self._folder = free_port(), folder
        (folder / "conf.d").mkdir()
        (folder / "lib").mkdir()
        shutil.chown(folder / "lib", "mosquitto")
        written = (site / "mosquitto.conf").read_text()
        (folder / "conf.d/site.conf").write_text(written.replace("listener 8883", f"listener {self.port} 127.0.0.1"))
        (folder / "mosquitto.conf").write_text(
            f"persistence true\npersistence_location {folder}/lib/\ninclude_dir {folder}/conf.d\nlog_dest none\n"
        )

    def __enter__(self) -> "DebianBroker":
        self._process = subprocess.Popen([program("mosquitto"), "-c", self._folder / "mosquitto.conf"])
        wait_for("the broker's certificate", lambda: self._process.poll() is not None or self.shows())
        assert self._process.poll() is None, "mosquitto did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)

    def reload(self) -> None:
        self._process.send_signal(signal.SIGHUP)

    def shows(self) -> str:
        """The fingerprint of its certificate; nothing where it has none to show."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            with (
                socket.create_connection(("127.0.0.1", self.port)) as raw,
                context.wrap_socket(raw) as connection,
            ):
                return hashlib.sha256(connection.getpeercert(binary_form=True) or b"").hexdigest()
        except OSError:
            return ""


def fingerprint(certificate: Path) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).hexdigest()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that the user mosquitto may enter; pytest's own are for their owner only."""
    with TemporaryDirectory(prefix="hingewatch-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.skipif(os.geteuid() != 0, reason="Debian's mosquitto is started by root")
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_debians_broker_reads_what_was_made_and_on_a_signal_what_was_renewed(open_folder: Path, umask: int) -> None:
    """It does so as a user of its own, to whom the broker's key belongs, and only that."""
    site, before = open_folder / "site", os.umask(umask)
    try:
        words = ["init", str(site), "--site", "north", "--broker", "127.0.0.1", "--agent", "edge-1"]
        said = CliRunner().invoke(app, words)
        assert f"chown mosquitto {site}/broker.key" in said.output
        shutil.chown(site / "broker.key", "mosquitto")
        with DebianBroker(open_folder, site) as broker:
            assert broker.shows() == fingerprint(site / "broker.pem")
            assert CliRunner().invoke(app, ["renew", str(site)]).exit_code == 0
            broker.reload()
            wait_for("the new certificate", lambda: broker.shows() == fingerprint(site / "broker.pem"))
            assert CliRunner().invoke(app, ["agent", str(site), "edge-2"]).exit_code == 0
            broker.reload()
            wait_for("that it still runs", lambda: broker.shows() == fingerprint(site / "broker.pem"))
    finally:
        os.umask(before)
    assert {key.owner() for key in site.rglob("*.key") if key.stem != "broker"} == {"root"}
    assert {stat.S_IMODE(key.stat().st_mode) for key in site.rglob("*.key")} == {0o600}
    assert stat.S_IMODE((site / "agents").stat().st_mode) == 0o700
