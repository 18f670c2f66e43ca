"""All that a site's broker needs for TLS: certificates, access list and configuration, in one folder.

An agent may write its own status and health and its site's lifts, and read what is ordered for it; the bridge may
read all and write nothing; the operator may write orders and read health. The broker knows each by its certificate's
common name: ``<site>.<agent>``, ``bridge`` and ``operator``.
"""

from pathlib import Path
from typing import Final

from edge_agent.certificates import (
    AUTHORITY_PREFIX,
    Identity,
    addresses_of,
    name_of,
    new_authority,
    new_client,
    new_server,
)
from edge_agent.core.events import health_topic, settings_topic, status_topic, topic
from edge_agent.errors import InputError
from edge_agent.output import write_file

BRIDGE: Final = "bridge"
OPERATOR: Final = "operator"
"""Who orders settings from afar (``orders``)."""
_AUTHORITY, _BROKER, _AGENTS = "ca", "broker", "agents"

_CONFIGURATION: Final = """# Written by `edge-agent certs` for mosquitto 2: copy it to /etc/mosquitto/conf.d.
per_listener_settings false
listener 8883
tls_version tlsv1.2
cafile {folder}/ca.pem
certfile {folder}/broker.pem
keyfile {folder}/broker.key
require_certificate true
use_identity_as_username true
allow_anonymous false
acl_file {folder}/acl
# What a bridge that is away has not fetched is kept on disk, all of it: the default drops all beyond 1,000. The file
# is written whole each time, so once a minute; agents send again what a broker that was killed has forgotten.
persistence true
autosave_interval 60
max_queued_messages 0
"""


class SiteCertificates:
    """The folder of one site."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self, site: str, addresses: list[str], agents: list[str]) -> None:
        """Everything, for the first time. Raises InputError, with nothing written, where there are keys already."""
        self._refuse_keys()
        authority = new_authority(f"{AUTHORITY_PREFIX}{site}")
        issued = {_AUTHORITY: authority, **_issue(authority, site, addresses, agents)}
        self._make_folder()
        for name, identity in issued.items():
            identity.write(self.folder, name)
        self._write("mosquitto.conf", _CONFIGURATION.format(folder=self.folder.resolve()))
        self._write_access_list(site)

    def add(self, agent: str) -> None:
        """One more agent. Raises InputError where it has a certificate already."""
        authority = self._authority()
        if self._file(agent).exists():
            raise InputError(f"agent {agent} has a certificate already", f"use `certs renew {self.folder}`")
        new_client(authority, f"{self.site}.{agent}").write(self.folder / _AGENTS, agent)
        self._write_access_list(self.site)

    def renew(self) -> list[Path]:
        """New keys and certificates for all but the authority; returns the certificates."""
        addresses = addresses_of(Identity.read(self.folder, _BROKER).certificate)
        issued = _issue(self._authority(), self.site, addresses, self.agents)
        for name, identity in issued.items():
            identity.write(self.folder, name)
        self._write_access_list(self.site)  # without those whose certificate was taken away
        return [self.folder / f"{name}.pem" for name in issued]

    @property
    def site(self) -> str:
        """The site's name, from its authority."""
        return name_of(self._authority().certificate).removeprefix(AUTHORITY_PREFIX)

    @property
    def agents(self) -> list[str]:
        """Who has a certificate."""
        return sorted(path.stem for path in (self.folder / _AGENTS).glob("*.pem"))

    def _authority(self) -> Identity:
        return Identity.read(self.folder, _AUTHORITY)

    def _file(self, agent: str) -> Path:
        return self.folder / _AGENTS / f"{agent}.pem"

    def _refuse_keys(self) -> None:
        """Any key or certificate: ca.key itself may be kept elsewhere."""
        found = sorted(path for kind in ("*.key", "*.pem", f"{_AGENTS}/*") for path in self.folder.glob(kind))
        if found:
            raise InputError(
                f"{found[0]} exists already; a new authority would lock every agent out",
                "use `certs agent` to add an agent, `certs renew` to renew, or another folder",
            )

    def _make_folder(self) -> None:
        """Others may enter a new one, for the broker has a user of its own; keys are for their owner only."""
        try:
            if not self.folder.is_dir():
                self.folder.mkdir(parents=True)
                self.folder.chmod(0o755)
        except OSError as error:
            raise InputError(
                f"cannot make {self.folder}: {error.strerror}", "name a folder that this user owns"
            ) from error

    def _write(self, name: str, text: str) -> None:
        write_file(self.folder / name, text.encode(), 0o644)

    def _write_access_list(self, site: str) -> None:
        blocks = ["# Written by `edge-agent certs`; mosquitto reads it again on SIGHUP."]
        blocks.append(f"user {BRIDGE}\ntopic read ergo/v1/#")
        orders, records = settings_topic(site, "+"), health_topic(site, "+")
        blocks.append(f"user {OPERATOR}\ntopic write {orders}\ntopic read {records}")
        for agent in self.agents:
            topics = (status_topic(site, agent), health_topic(site, agent), topic(site, "+"))
            lines = [f"user {site}.{agent}", *(f"topic write {each}" for each in topics)]
            blocks.append("\n".join([*lines, f"topic read {settings_topic(site, agent)}"]))
        self._write("acl", "\n\n".join(blocks) + "\n")


def _issue(authority: Identity, site: str, addresses: list[str], agents: list[str]) -> dict[str, Identity]:
    """The certificates of broker, bridge and agents, by the path that each has in the folder."""
    return {
        _BROKER: new_server(authority, addresses),
        BRIDGE: new_client(authority, BRIDGE),
        OPERATOR: new_client(authority, OPERATOR),
        **{f"{_AGENTS}/{agent}": new_client(authority, f"{site}.{agent}") for agent in agents},
    }
