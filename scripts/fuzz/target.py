"""One parser under the coverage-guided fuzzer: python -m scripts.fuzz.target NAME [libFuzzer options]."""

import base64
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast, get_args

import atheris
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

with atheris.instrument_imports(include=["edge_agent", "yaml", "json"]):
    from edge_agent import intake, orders, registry, settings_file
    from edge_agent.core.events import EventError, from_json, is_slug, to_json
    from edge_agent.core.health import OrderReason
    from edge_agent.errors import InputError
    from edge_agent.settings import Settings

FORBIDDEN = frozenset('/+#"\\\n\r\t\0 ')
_SCRATCH = Path(tempfile.mkdtemp(prefix="fuzz-")) / "site.yaml"


def lift(data: bytes) -> None:
    """A lift payload is refused with EventError, or is an event that survives its own wire form."""
    try:
        event = from_json(data)
    except EventError:
        return
    assert from_json(to_json(event)) == event
    assert not FORBIDDEN & set(event.site + event.zone)


def health(data: bytes) -> None:
    """A health record is refused with one word, or is an object."""
    try:
        assert isinstance(intake._health_record(data), dict)
    except intake.RejectedError:
        return


def topic(data: bytes) -> None:
    """A topic is refused with one word, or both its names are slugs."""
    message = cast(Any, SimpleNamespace(topic=data.decode("utf-8", "surrogateescape")))
    try:
        site, name, _ = intake._split_topic(message)
    except intake.RejectedError:
        return
    assert is_slug(site)
    assert is_slug(name)


def settings(data: bytes) -> None:
    """A settings file is read, or refused with InputError."""
    _SCRATCH.write_bytes(data)
    try:
        settings_file.load(_SCRATCH, {})
    except InputError:
        return


def manifest(data: bytes) -> None:
    """A model's manifest is read, or refused with InputError."""
    try:
        registry._entry_of("fuzzed", data)
    except InputError:
        return


def _known(error: orders.RefusedOrderError) -> None:
    assert error.reason in get_args(OrderReason)


def envelope(data: bytes) -> None:
    """What anyone may send as an order is refused with one word."""
    try:
        orders.opened(data, _KEY.public_key())
    except orders.RefusedOrderError as error:
        _known(error)
        return
    raise AssertionError("nobody has signed this")


def order(data: bytes) -> None:
    """What was signed is refused with one word too, or leaves all that must not be ordered as it was."""
    text = data.decode(errors="replace")
    signature = base64.b64encode(_KEY.sign(text.encode())).decode()
    try:
        sent = json.dumps({"schema": orders.SCHEMA, "order": text, "signature": signature})
        new = orders.changed(_FILE, orders.opened(sent.encode(), _KEY.public_key()).changes)
    except orders.RefusedOrderError as error:
        _known(error)
        return
    assert (new.mqtt, new.privacy, new.outbox, new.orders) == (_FILE.mqtt, _FILE.privacy, _FILE.outbox, _FILE.orders)
    assert [camera.source for camera in new.cameras] == [camera.source for camera in _FILE.cameras]


_KEY = Ed25519PrivateKey.generate()
_FILE = Settings.model_validate({"cameras": [{"name": "dock", "source": "0"}]})
TARGETS: dict[str, Callable[[bytes], None]] = {
    each.__name__: each for each in (lift, health, topic, settings, manifest, envelope, order)
}

if __name__ == "__main__":
    chosen = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, chosen)
    atheris.Fuzz()
