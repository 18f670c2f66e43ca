"""All that a site's broker needs for TLS: certificates, access list and configuration, in one folder.

An agent may write its own status and health and its site's lifts, and read nothing; the bridge may read all of that
and write nothing. The broker knows each by its certificate's common name: ``<site>.<agent>``, and ``bridge``.
"""

from pathlib import Path
from typing import Final

from edge_agent.certificates import (
    Identity,
    addresses_of,
    name_of,
    new_authority,
    new_client,
    new_server,
)
from edge_agent.core.events import health_topic, status_topic, topic
from edge_agent.errors import InputError

BRIDGE: Final = "bridge"
_AUTHORITY, _BROKER, _AGENTS = "ca", "broker", "agents"

_CONFIGURATION: Final = """# For mosquitto 2: include it from /etc/mosquitto/conf.d. Written by `edge-agent certs`.
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
# What a bridge that is away has not fetched is kept on disk, all of it: the default drops all beyond 1,000.
persistence true
autosave_interval 1
autosave_on_changes true
max_queued_messages 0
"""


class SiteCertificates:
    """The folder of one site."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self, site: str, addresses: list[str], agents: list[str]) -> None:
        """Everything, for the first time. Raises InputError where there is an authority already."""
        if (self.folder / f"{_AUTHORITY}.key").exists():
            raise InputError(
                f"{self.folder} has an authority already; a new one would lock every agent out",
                "use `certs agent` to add an agent, `certs renew` to renew, or another folder",
            )
        authority = new_authority(f"hingewatch {site}")
        authority.write(self.folder, _AUTHORITY)
        new_server(authority, addresses).write(self.folder, _BROKER)
        new_client(authority, BRIDGE).write(self.folder, BRIDGE)
        for agent in agents:
            self._new_agent(authority, site, agent)
        (self.folder / "mosquitto.conf").write_text(_CONFIGURATION.format(folder=self.folder.resolve()))
        self._write_access_list(site)

    def add(self, agent: str) -> None:
        """One more agent. Raises InputError where it has a certificate already."""
        authority = self._authority()
        if self._file(agent).exists():
            raise InputError(f"agent {agent} has a certificate already", f"use `certs renew {self.folder}`")
        self._new_agent(authority, self.site, agent)
        self._write_access_list(self.site)

    def renew(self) -> list[Path]:
        """New keys and certificates for all but the authority; returns the certificates."""
        authority, site = self._authority(), self.site
        new_server(authority, addresses_of(Identity.read(self.folder, _BROKER).certificate)).write(
            self.folder, _BROKER
        )
        new_client(authority, BRIDGE).write(self.folder, BRIDGE)
        for agent in self.agents:
            self._new_agent(authority, site, agent)
        return [self.folder / f"{_BROKER}.pem", self.folder / f"{BRIDGE}.pem", *map(self._file, self.agents)]

    @property
    def site(self) -> str:
        """The site's name, from its authority."""
        return name_of(self._authority().certificate).removeprefix("hingewatch ")

    @property
    def agents(self) -> list[str]:
        """Who has a certificate."""
        return sorted(path.stem for path in (self.folder / _AGENTS).glob("*.pem"))

    def _authority(self) -> Identity:
        return Identity.read(self.folder, _AUTHORITY)

    def _file(self, agent: str) -> Path:
        return self.folder / _AGENTS / f"{agent}.pem"

    def _new_agent(self, authority: Identity, site: str, agent: str) -> None:
        new_client(authority, f"{site}.{agent}").write(self.folder / _AGENTS, agent)

    def _write_access_list(self, site: str) -> None:
        blocks = ["# Written by `edge-agent certs`; mosquitto reads it again on SIGHUP."]
        blocks.append(f"user {BRIDGE}\ntopic read ergo/v1/#")
        for agent in self.agents:
            topics = (status_topic(site, agent), health_topic(site, agent), topic(site, "+"))
            blocks.append("\n".join([f"user {site}.{agent}", *(f"topic write {each}" for each in topics)]))
        (self.folder / "acl").write_text("\n\n".join(blocks) + "\n")
