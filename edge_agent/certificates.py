"""A site's certificates: its authority, and one certificate for the broker, each agent and the bridge.

Made with the ``cryptography`` library. Keys are of the curve P-256, which every TLS 1.2 and 1.3 client knows.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edge_agent.errors import InputError
from edge_agent.output import write_file

AUTHORITY_DAYS: Final = 3650
"""Replacing it means visiting every box; a site that lasts longer makes a new one."""
AUTHORITY_PREFIX: Final = "hingewatch "
"""Before the site's name, in the common name of its authority."""
DAYS: Final = 365
"""Of all others: long enough to be no burden, short enough that renewing is practised and a lost key ends."""
_LONGEST_NAME: Final = 64
"""X.520's ub-common-name."""
_HOST: Final = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*")
_BEFORE: Final = timedelta(hours=1)
"""A box's clock may be behind when it gets its certificate."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its key, as they lie side by side in a folder: ``name``.pem and ``name``.key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def write(self, folder: Path, name: str) -> None:
        """The key for its owner only. Raises InputError where the folder cannot be written."""
        pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_file(folder / f"{name}.key", pem, 0o600)
        write_file(folder / f"{name}.pem", self.certificate.public_bytes(serialization.Encoding.PEM), 0o644)

    @staticmethod
    def read(folder: Path, name: str) -> "Identity":
        """Raises InputError where one of the two is missing or broken."""
        try:
            certificate = x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())
            key = serialization.load_pem_private_key((folder / f"{name}.key").read_bytes(), None)
        except (OSError, ValueError) as error:
            raise InputError(
                f"cannot use {folder / name}.pem and .key: {error}",
                "put both where `edge-agent certs init` wrote them, and take ca.key away again afterwards",
            ) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise InputError(f"{folder / name}.key is no key of ours", "make it with `edge-agent certs init`")
        return Identity(certificate, key)


def new_authority(name: str, now: datetime | None = None) -> Identity:
    """One that signs for nobody else: it may sign certificates, which may not sign others."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _named(name)
    builder = _builder(subject, subject, key, AUTHORITY_DAYS, now).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    usage = _usage(key_cert_sign=True, crl_sign=True)
    return Identity(builder.add_extension(usage, critical=True).sign(key, hashes.SHA256()), key)


def new_server(authority: Identity, addresses: Sequence[str], now: datetime | None = None) -> Identity:
    """The broker's: ``addresses`` are the names and IP addresses under which agents and bridge reach it."""
    names = x509.SubjectAlternativeName([_general(address) for address in addresses])
    return _signed(authority, "broker", (ExtendedKeyUsageOID.SERVER_AUTH, names), now)


def new_client(authority: Identity, name: str, now: datetime | None = None) -> Identity:
    """An agent's or the bridge's; the broker knows it by ``name``."""
    return _signed(authority, name, (ExtendedKeyUsageOID.CLIENT_AUTH, None), now)


def name_of(certificate: x509.Certificate) -> str:
    """Its common name."""
    value = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    return value if isinstance(value, str) else value.decode()


def issuer_of(certificate: x509.Certificate) -> str:
    """Its authority's common name; empty where that has none."""
    found = certificate.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def addresses_of(certificate: x509.Certificate) -> list[str]:
    """The names and IP addresses that a broker's certificate is good for."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in names]


def _signed(
    authority: Identity,
    name: str,
    purpose: tuple[x509.ObjectIdentifier, x509.SubjectAlternativeName | None],
    now: datetime | None,
) -> Identity:
    key, (use, names) = ec.generate_private_key(ec.SECP256R1()), purpose
    builder = _builder(_named(name), authority.certificate.subject, key, DAYS, now)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
    builder = builder.add_extension(_usage(digital_signature=True), critical=True)
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = builder.add_extension(signer, critical=False)
    if names is not None:
        builder = builder.add_extension(names, critical=False)
    return Identity(builder.sign(authority.key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int, now: datetime | None
) -> x509.CertificateBuilder:
    now = now or datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BEFORE)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _named(name: str) -> x509.Name:
    if len(name) > _LONGEST_NAME:
        raise InputError(
            f"{name} is {len(name)} characters long; a certificate's name holds {_LONGEST_NAME}",
            "use shorter names of site and agent",
        )
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general(address: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(address))
    except ValueError:
        if not _HOST.fullmatch(address):
            raise InputError(
                f"{address!r} is no host name and no IP address",
                "give it as in mqtt.host, without port; other letters than a-z in the xn-- form",
            ) from None
        return x509.DNSName(address)
