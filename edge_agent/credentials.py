"""What a TLS connection to the broker trusts and shows, taken anew from disk when the files change."""

import ssl
from pathlib import Path
from typing import Final

import structlog
from cryptography import x509

from edge_agent.errors import InputError
from edge_agent.settings import MqttSettings

log = structlog.get_logger()

UNREACHABLE_FIX: Final = "check that the broker runs, and mqtt.host and mqtt.port"
TLS_FIX: Final = "check that mqtt.port is the broker's TLS port (mqtt.plaintext: true if it must do without)"
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


def cause_of(error: BaseException | None) -> tuple[str, str]:
    """Why a connection could not be made: a word of telemetry.CONNECT_FAILURES, and the fix."""
    if isinstance(error, ssl.SSLCertVerificationError):
        untrusted = ("untrusted", "set mqtt.ca_file to the authority that signed the broker's certificate")
        return _VERIFICATION.get(error.verify_code, untrusted)
    if isinstance(error, ssl.SSLError):
        return "tls", TLS_FIX
    return "unreachable", UNREACHABLE_FIX


class Credentials:
    """``context`` stays the same object; ``renew`` loads into it what has changed on disk."""

    def __init__(self, settings: MqttSettings) -> None:
        """Raises InputError when a file cannot be used."""
        self._settings = settings
        self._stamps: dict[Path, int] = {}
        self.context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        if settings.ca_file is not None:  # this one and no other
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._load()

    def renew(self) -> None:
        """Take what was replaced since; a file that cannot be used yet is said, and the old one kept."""
        if self._read_stamps() == self._stamps:
            return
        try:
            self._load()
        except InputError as error:
            log.warning(
                "certificates changed, but cannot be used: the old ones are kept", what=error.what, fix=error.fix
            )
            return
        log.info("certificates were renewed")

    def expiry_s(self) -> float:
        """Unix time at which our own certificate, or the authority before it, ends; 0 where we have neither."""
        ends = [
            end.not_valid_after_utc.timestamp()
            for path in self._files()
            if path != self._settings.key_file
            for end in _certificates(path)
        ]
        return min(ends, default=0.0)

    def _load(self) -> None:
        stamps, settings = self._read_stamps(), self._settings
        try:
            if settings.ca_file is not None:
                self.context.load_verify_locations(cafile=settings.ca_file)
            if settings.cert_file is not None:
                self.context.load_cert_chain(settings.cert_file, settings.key_file)
        except (OSError, ssl.SSLError) as error:
            reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
            raise InputError(
                f"cannot use {', '.join(map(str, self._files()))}: {reason}",
                "point mqtt.ca_file, mqtt.cert_file and mqtt.key_file at PEM files that belong together",
            ) from error
        self._stamps = stamps

    def _files(self) -> list[Path]:
        settings = self._settings
        return [path for path in (settings.ca_file, settings.cert_file, settings.key_file) if path is not None]

    def _read_stamps(self) -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns if path.exists() else 0 for path in self._files()}


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):
        return []
