"""What a TLS connection to the broker trusts and shows, taken anew from disk when the files change."""

import ssl
import time
from pathlib import Path
from typing import Any, Final

import structlog
from cryptography import x509

from edge_agent.certificates import AUTHORITY_PREFIX, issuer_of, name_of
from edge_agent.errors import InputError
from edge_agent.settings import MqttSettings

log = structlog.get_logger()

UNREACHABLE_FIX: Final = "check that the broker runs, and mqtt.host and mqtt.port"
TLS_FIX: Final = "check that mqtt.port is the broker's TLS port (mqtt.plaintext: true if it must do without)"
OWN_EXPIRED_FIX: Final = "our own certificate has ended: edge-agent certs renew, and copy it here with its key"
_TRUST_ENDED_FIX: Final = (
    "the authority in mqtt.ca_file has ended, or this machine's clock is wrong: edge-agent certs init in a new "
    "folder, then its files to the broker and to every box"
)
_HUNG_UP_FIX: Final = (
    "see the broker's log: it may not accept our certificate (of another authority), or ask for one: "
    "mqtt.cert_file and mqtt.key_file"
)
_HAS_EXPIRED, _NOT_YET, _OTHER_HOST, _OTHER_ADDRESS = 10, 9, 62, 64
"""OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED, _NOT_YET_VALID, HOSTNAME_MISMATCH and IP_ADDRESS_MISMATCH."""
_VERIFICATION: Final = {
    _HAS_EXPIRED: ("expired", "renew the broker's certificate: edge-agent certs renew; or set this machine's clock"),
    _NOT_YET: ("expired", "set this machine's clock: by it, the broker's certificate is not valid yet"),
    _OTHER_HOST: (
        "wrong_host",
        "set mqtt.host to a name that the broker's certificate holds, or renew it with this one",
    ),
    _OTHER_ADDRESS: ("wrong_host", "set mqtt.host to an address that the broker's certificate holds"),
}


def cause_of(error: BaseException | None, *, trust_ended: bool = False) -> tuple[str, str]:
    """Why a connection could not be made: a word of telemetry.CONNECT_FAILURES, and the fix.

    ``trust_ended``: OpenSSL says *expired* of the broker's certificate and of its authority's alike.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        if trust_ended:
            return "expired", _TRUST_ENDED_FIX
        untrusted = ("untrusted", "set mqtt.ca_file to the authority that signed the broker's certificate")
        return _VERIFICATION.get(error.verify_code, untrusted)
    if isinstance(error, ssl.SSLError | ConnectionResetError):  # a broker without TLS resets what it cannot read
        return "tls", TLS_FIX
    return "unreachable", UNREACHABLE_FIX


class _Context(ssl.SSLContext):
    """paho keeps one context for a client's life: this one has every connection made by the latest."""

    credentials: "Credentials"

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        return self.credentials.latest().wrap_socket(*args, **kwargs)


class Credentials:
    """``context`` is for paho; behind it a new one is made whenever the files have changed.

    Never loaded into the old one: that would go on trusting an authority that was withdrawn, and a certificate that
    is copied before its key would leave it with neither the old pair nor the new.
    """

    def __init__(self, settings: MqttSettings, identity: str | None = None) -> None:
        """``identity``: whose certificate it must be. Raises InputError for a file that is unfit or another's."""
        self._settings = settings
        self._stamps = self._read_stamps()
        self._latest = self._load()
        self.context = _Context(ssl.PROTOCOL_TLS_CLIENT)
        self.context.credentials = self
        self._refuse_anothers(identity)

    def latest(self) -> ssl.SSLContext:
        """Of the files as they are now; while they cannot be used, which is said, as they were before."""
        stamps = self._read_stamps()
        if stamps != self._stamps:
            try:
                self._latest, self._stamps = self._load(), stamps
                log.info("certificates were renewed")
            except InputError as error:
                told = "certificates changed, but cannot be used: the old ones are kept"
                log.warning(told, what=error.what, fix=error.fix)
        return self._latest

    def expiry_s(self) -> float:
        """Unix time at which our own certificate, or trust in the broker's, ends; 0 where we have no file for either.

        Of several authorities the last counts: while one is replaced by another, the file holds both.
        """
        own, trusted = _ends_s(self._settings.cert_file), _ends_s(self._settings.ca_file)
        return min([*own, max(trusted)] if trusted else own, default=0.0)

    def trust_ended(self) -> bool:
        """Whether every authority that is trusted here has ended; False where they are the system's own."""
        trusted = _ends_s(self._settings.ca_file)
        return bool(trusted) and max(trusted) < time.time()

    def why_no_answer(self) -> tuple[str, str]:
        """Cause and fix where the broker took our connection and hung up: with TLS 1.3 it does not say why."""
        if any(end_s < time.time() for end_s in _ends_s(self._settings.cert_file)):
            return "expired", OWN_EXPIRED_FIX
        return "no_answer", _HUNG_UP_FIX

    def _refuse_anothers(self, identity: str | None) -> None:
        """With an agent's certificate a bridge looks connected and hears nothing; other agents are hung up on.

        Only where a site's own authority issued it: others may name their certificates as they like.
        """
        for certificate in _certificates(self._settings.cert_file)[:1]:
            ours, name = issuer_of(certificate).startswith(AUTHORITY_PREFIX), name_of(certificate)
            if identity is not None and ours and name != identity:
                raise InputError(
                    f"{self._settings.cert_file} is the certificate of {name}, but this is {identity}",
                    "copy the one with that name here, with its key (an agent's name is SITE.AGENT of its settings)",
                )

    def _load(self) -> ssl.SSLContext:
        settings = self._settings
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            if settings.ca_file is None:
                context.load_default_certs(ssl.Purpose.SERVER_AUTH)
            else:  # this one and no other
                context.load_verify_locations(cafile=settings.ca_file)
            if settings.cert_file is not None:
                context.load_cert_chain(settings.cert_file, settings.key_file)
        except (OSError, ssl.SSLError) as error:
            reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
            fix = "point mqtt.ca_file, mqtt.cert_file and mqtt.key_file at PEM files that belong together"
            if isinstance(error, PermissionError):
                fix = "let this user read them, and enter their folder"
            raise InputError(f"cannot use {', '.join(map(str, self._files()))}: {reason}", fix) from error
        return context

    def _files(self) -> list[Path]:
        settings = self._settings
        return [path for path in (settings.ca_file, settings.cert_file, settings.key_file) if path is not None]

    def _read_stamps(self) -> dict[Path, int]:
        return {path: _stamp(path) for path in self._files()}


def _stamp(path: Path) -> int:
    """0 where it is not there, or may not be looked at."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _ends_s(path: Path | None) -> list[float]:
    """Unix times at which a file's certificates end."""
    return [certificate.not_valid_after_utc.timestamp() for certificate in _certificates(path)]


def _certificates(path: Path | None) -> list[x509.Certificate]:
    """None where it cannot be read just now."""
    try:
        return [] if path is None else x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):
        return []
