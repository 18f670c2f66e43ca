"""The last order, as it is kept on disk: what became of it, and the one that is in force, sealed as it came."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import TypeAdapter, ValidationError

from edge_agent.core.health import Ordered
from edge_agent.errors import InputError
from edge_agent.orders import Order, opened
from edge_agent.output import write_file

log = structlog.get_logger()


NONE: Final = Ordered()


@dataclass(frozen=True, slots=True)
class Standing:
    """``last``: what became of the newest order. ``in_force``: the last that was applied; None: the file alone."""

    last: Ordered = NONE
    in_force: str | None = None

    def order(self, key: Ed25519PublicKey) -> Order | None:
        """The one in force. Raises RefusedOrderError where that was signed with a key that is no longer trusted."""
        return None if self.in_force is None else opened(self.in_force.encode(), key)

    def with_last(self, last: Ordered) -> "Standing":
        """The same in force."""
        return replace(self, last=last)


_FORM = TypeAdapter(Standing)


def read(path: Path) -> Standing:
    """None yet, or a file that is broken: the file's settings alone; the broker still has the order."""
    try:
        return _FORM.validate_json(path.read_bytes())
    except FileNotFoundError:
        return Standing()
    except (OSError, ValidationError) as error:
        log.warning(
            "last order not read", file=str(path), what=type(error).__name__, fix="it comes again from the broker"
        )
        return Standing()


def write(path: Path, standing: Standing) -> None:
    """A disk that refuses is logged: the order stands until a restart, and the broker has it."""
    try:
        write_file(path, json.dumps(asdict(standing)).encode(), 0o600)
    except InputError as error:
        log.warning("last order not kept", what=error.what, fix=error.fix)
