"""What a client trusts and shows while its files are replaced, told by handshakes with real TLS servers."""

import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge_agent import certificates
from edge_agent.certificates import Identity
from edge_agent.credentials import Credentials, cause_of
from edge_agent.doctor.broker import look_at_broker
from edge_agent.doctor.finding import Finding
from edge_agent.errors import InputError
from edge_agent.settings import MqttSettings, Settings
from tests.services import Mosquitto, wait_for
from tests.test_delivery import agent
from tests.test_transport import SiteBroker, broker, made

__all__ = ["broker"]

NAMES = {"ca.pem": "ca.pem", "agents/edge-1.pem": "own.pem", "agents/edge-1.key": "own.key"}


@pytest.fixture
def sites(tmp_path: Path) -> Path:
    """Two authorities, each with all its certificates: ``old`` and ``new``."""
    for name in "old", "new":
        made(tmp_path / name)
    return tmp_path


def copy(sites: Path, which: str, *names: str) -> None:
    (sites / "box").mkdir(exist_ok=True)
    for name in names:
        (sites / "box" / NAMES[name]).write_bytes((sites / which / name).read_bytes())


def on_the_box(sites: Path) -> Credentials:
    copy(sites, "old", *NAMES)
    box = sites / "box"
    return Credentials(MqttSettings(ca_file=box / "ca.pem", cert_file=box / "own.pem", key_file=box / "own.key"))


def shown_to(server: Path, client: Credentials) -> bytes | None:
    """The certificate that ``client`` shows to a broker which takes any of either site.

    Raises SSLError where the client does not trust it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server / "broker.pem", server / "broker.key")
    context.verify_mode = ssl.CERT_OPTIONAL
    for authority in server.parent.glob("*/ca.pem"):
        context.load_verify_locations(authority)
    seen: list[bytes | None] = []

    def serve() -> None:
        try:
            with context.wrap_socket(listener.accept()[0], server_side=True) as accepted:
                seen.append(accepted.getpeercert(binary_form=True))
        except OSError:
            pass  # the client went; it tells why

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            with socket.create_connection(listener.getsockname()) as raw:
                client.context.wrap_socket(raw, server_hostname="127.0.0.1").close()
        finally:
            thread.join()
    return seen[0]


def agents_certificate(site: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert((site / "agents/edge-1.pem").read_text())


def test_an_authority_that_was_replaced_is_trusted_no_more(sites: Path) -> None:
    """Replaced because its key was stolen, say: whoever has it must not pose as the broker to a running agent."""
    client = on_the_box(sites)
    assert shown_to(sites / "old", client) == agents_certificate(sites / "old")
    copy(sites, "new", *NAMES)
    assert shown_to(sites / "new", client) == agents_certificate(sites / "new")
    with pytest.raises(ssl.SSLCertVerificationError) as refused:
        shown_to(sites / "old", client)
    assert cause_of(refused.value)[0] == "untrusted"


def test_a_certificate_that_came_before_its_key_leaves_the_old_pair_in_use(sites: Path) -> None:
    client = on_the_box(sites)
    copy(sites, "new", "agents/edge-1.pem")
    assert shown_to(sites / "old", client) == agents_certificate(sites / "old")
    copy(sites, "new", "agents/edge-1.key")
    assert shown_to(sites / "old", client) == agents_certificate(sites / "new")


def test_while_one_authority_follows_another_the_last_to_end_counts(sites: Path) -> None:
    client = on_the_box(sites)
    own_end_s = Identity.read(sites / "old/agents", "edge-1").certificate.not_valid_after_utc.timestamp()
    ending = certificates.new_authority("old", datetime.now(UTC) - timedelta(days=certificates.AUTHORITY_DAYS - 1))
    ending.write(sites / "box", "ca")
    assert client.expiry_s() < time.time() + 2 * 86_400, "trust in the broker ends before our own certificate"
    with (sites / "box/ca.pem").open("ab") as both:
        both.write((sites / "new/ca.pem").read_bytes())
    assert client.expiry_s() == own_end_s


def expire(broker: SiteBroker, folder: Path) -> MqttSettings:
    authority, long_ago = Identity.read(broker.folder, "ca"), datetime.now(UTC) - timedelta(days=400)
    certificates.new_client(authority, "north.edge-1", long_ago).write(folder, "own")
    return broker.settings("own", folder)


def test_an_agent_whose_own_certificate_has_ended_says_so(broker: SiteBroker, tmp_path: Path) -> None:
    """With TLS 1.3 the broker hangs up without a reason that paho would pass on."""
    with agent(tmp_path / "outbox.sqlite", expire(broker, tmp_path), stop_s=0.2) as running:
        wait_for("a refusal", lambda: running.metric("connect_failures_total", cause="expired"))
        assert running.metric("connect_failures_total", cause="no_answer") == 0


def test_an_authority_that_has_ended_is_not_cured_by_renewing_the_brokers_certificate(tmp_path: Path) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=certificates.AUTHORITY_DAYS + 10)
    ended = certificates.new_authority("north", long_ago)
    (tmp_path / "site").mkdir()
    ended.write(tmp_path / "site", "ca")
    certificates.new_server(ended, ["127.0.0.1"]).write(tmp_path / "site", "broker")
    client = Credentials(MqttSettings(ca_file=tmp_path / "site" / "ca.pem"))
    with pytest.raises(ssl.SSLCertVerificationError) as refused:
        shown_to(tmp_path / "site", client)
    assert cause_of(refused.value)[1].startswith("renew the broker's certificate")
    cause, fix = cause_of(refused.value, trust_ended=client.trust_ended())
    assert cause == "expired"
    assert "authority in mqtt.ca_file has ended" in fix


def the_doctor(broker: MqttSettings) -> dict[str, Finding]:
    settings = Settings(site="north", agent="edge-1", mqtt=broker)
    return {finding.check: finding for finding in look_at_broker(settings)}


def test_tls_to_a_broker_without_is_told_from_a_broker_that_does_not_run(tmp_path: Path, sites: Path) -> None:
    with Mosquitto(tmp_path) as plain:
        settings = MqttSettings(port=plain.port, ca_file=sites / "old/ca.pem")
        with agent(tmp_path / "outbox.sqlite", settings, stop_s=0.2) as running:
            wait_for("a failure", lambda: running.metric("connect_failures_total", cause="tls"))
            assert running.metric("connect_failures_total", cause="unreachable") == 0
        assert "TLS port" in the_doctor(settings)["broker"].fix


def test_the_doctor_says_when_our_certificate_ends(broker: SiteBroker, tmp_path: Path) -> None:
    good = the_doctor(broker.settings("agents/edge-1"))["certificates"]
    assert good.state == "ok"
    assert f"ends first, in {certificates.DAYS} days" in good.detail
    soon = datetime.now(UTC) - timedelta(days=certificates.DAYS - 10)
    certificates.new_client(Identity.read(broker.folder, "ca"), "north.edge-1", soon).write(tmp_path, "soon")
    warned = the_doctor(broker.settings("soon", tmp_path))["certificates"]
    assert warned.state == "warn"
    assert "edge-agent certs renew" in warned.fix
    assert "ours, or trust in the broker's, ends first, in 10 days" in warned.detail
    ended = the_doctor(expire(broker, tmp_path))["broker"]
    assert ended.state == "fail"
    assert "our certificate has ended" in ended.detail


def test_certificates_in_a_folder_that_may_not_be_entered_are_said_with_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", closed)
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", closed)
    with pytest.raises(InputError, match="Permission denied") as error:
        Credentials(MqttSettings(host="broker.example", ca_file=tmp_path / "ca.pem"))
    assert error.value.fix == "let this user read them, and enter their folder"
