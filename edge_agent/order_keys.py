"""The key pair that orders are signed with: the private half with the engineer, the public one on every box."""

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from edge_agent.errors import InputError
from edge_agent.output import write_file


def new_key(path: Path) -> Path:
    """Write a private key (0600), and beside it the public one that agents are to trust; returns the latter's path.

    Raises InputError where there is one already, or it cannot be written.
    """
    public = path.with_suffix(".pub")
    if path.exists() or public.exists() or path == public:
        raise InputError(f"{path} or {public} exists already", "choose another name, such as orders.key")
    key = Ed25519PrivateKey.generate()
    plain = serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    write_file(path, key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain), 0o600)
    write_file(public, key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo), 0o644)
    return public


def private_key(path: Path) -> Ed25519PrivateKey:
    """Raises InputError."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"cannot use {path}: {error}", "make one with: edge-agent orders key FILE") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"{path} is no Ed25519 key", "make one with: edge-agent orders key FILE")
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """Raises InputError."""
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot use {path}: {error}", "copy the .pub file of the key that orders are signed with"
        ) from None
    if not isinstance(key, Ed25519PublicKey):
        raise InputError(f"{path} is no Ed25519 public key", "copy the .pub file that edge-agent orders key has made")
    return key
