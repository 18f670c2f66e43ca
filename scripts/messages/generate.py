"""What the messages may hold, for programs of others: docs/messages/*.json and asyncapi.yaml, from the code itself.

Usage: python -m scripts.messages.generate. ``tests/test_messages.py`` compares the files with what this writes.
"""

import json
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

import yaml

from edge_agent.core import events, health
from edge_agent.core.events import HEALTH_SCHEMA, SCHEMA, health_topic, settings_topic, status_topic, topic
from edge_agent.core.health import HealthRecord
from edge_agent.orders import SCHEMA as ORDER_SCHEMA
from edge_agent.orders import Order

DOCS: Final = Path(__file__).parents[2] / "docs/messages"
DIALECT: Final = "http://json-schema.org/draft-07/schema#"
_MEANINGS: Final = {
    "schema": "Which fields there are. 1.N may have more than these, which are then to be passed over.",
    "event_id": "Random, new for each lift; the same one twice is the same lift sent twice.",
    "site": "Name from the settings.",
    "zone": "Name from the settings: a part of the floor.",
    "bucket_start": "The time, rounded down to privacy.bucket_s, UTC.",
    "technique": "What was judged; unknown where it could not be told.",
    "risk": "Exposure of this posture, not a person's injury risk.",
    "trunk_inclination_band": "Degrees from upright.",
    "spine_flexion_band": "Degrees from the person's own upright posture.",
    "knee_flexion_band": "Degrees from straight.",
    "confidence_band": "How sure.",
    "view": "From which side the lift was seen.",
    "model": "Name and version of the classifier.",
}


def lift_schema() -> dict[str, Any]:
    """Of version 1, as an agent writes it."""
    properties = {name: _lift_field(name) | {"description": _MEANINGS[name]} for name in events.FIELDS}
    return _closed("Lift", SCHEMA, properties, events.FIELDS)


def health_schema() -> dict[str, Any]:
    """Of version 1; an agent writes all of it."""
    properties: dict[str, Any] = {"schema": {"const": HEALTH_SCHEMA}, "at_unix_s": {"type": "integer"}}
    for name, kind in get_type_hints(HealthRecord).items():
        properties[name] = _health_field(name, kind)
    return _closed("Health", HEALTH_SCHEMA, properties, tuple(properties))


def settings_schema() -> dict[str, Any]:
    """The envelope of an order; what is in its ``order`` is told by order-1.schema.json."""
    properties: dict[str, Any] = {
        "schema": {"const": ORDER_SCHEMA},
        "order": {"type": "string", "description": "JSON after order-1.schema.json, exactly as it was signed."},
        "signature": {"type": "string", "description": "Ed25519 (RFC 8032) of order's bytes in UTF-8, in Base64."},
    }
    return _closed("Settings", ORDER_SCHEMA, properties, tuple(properties))


def asyncapi() -> dict[str, Any]:
    """The topics, and who speaks on them."""
    channels = {
        "lift": (
            topic("{site}", "{zone}"),
            "lift-1.schema.json",
            "A lift. QoS 1, not retained; repeated after doubt.",
        ),
        "health": (health_topic("{site}", "{agent}"), "health-1.schema.json", "An agent's machine. QoS 1, retained."),
        "status": (status_topic("{site}", "{agent}"), None, "QoS 1, retained; offline is the agent's will."),
        "settings": (
            settings_topic("{site}", "{agent}"),
            "settings-1.schema.json",
            "Settings ordered from afar. QoS 1, retained; what became of them is in the health record.",
        ),
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Hingewatch",
            "version": SCHEMA.rpartition("/")[2],
            "description": "What leaves a box, and nothing else does; and the settings that may be ordered for it.",
        },
        "channels": {name: _channel(name, *told) for name, told in channels.items()},
        "operations": {f"send_{name}": _operation(name, "send") for name in channels if name != "settings"}
        | {"receive_settings": _operation("settings", "receive")},
    }


def files() -> dict[str, str]:
    """Name -> text."""
    return {
        "lift-1.schema.json": json.dumps(lift_schema(), indent=2) + "\n",
        "health-1.schema.json": json.dumps(health_schema(), indent=2) + "\n",
        "settings-1.schema.json": json.dumps(settings_schema(), indent=2) + "\n",
        "order-1.schema.json": json.dumps(Order.model_json_schema(), indent=2) + "\n",
        "asyncapi.yaml": yaml.safe_dump(asyncapi(), sort_keys=False, width=120),
    }


def _closed(title: str, name: str, properties: dict[str, Any], required: tuple[str, ...]) -> dict[str, Any]:
    return {
        "$schema": DIALECT, "title": title, "description": f"{name}, JSON in UTF-8", "type": "object",
        "properties": properties, "required": list(required), "additionalProperties": False,
    }  # fmt: skip


def _lift_field(name: str) -> dict[str, Any]:
    if name == "bucket_start":
        return {"type": "string", "format": "date-time", "pattern": f"^{events._UTC_SECOND.pattern}$"}
    pattern = events._PATTERNS.get(name)
    return {"type": "string", "pattern": f"^{pattern.pattern}$"} if pattern else {"enum": list(events._CHOICES[name])}


def _health_field(name: str, kind: object) -> dict[str, Any]:
    word = {"type": "string", "pattern": f"^{health._WORD.pattern}$"}
    if get_origin(kind) is Literal:
        return {"enum": list(get_args(kind))}
    if kind is int:
        return {"type": "integer"}
    if kind is str:
        return {"type": "string", "pattern": f"^({health._WORD.pattern})?$"}
    if get_args(kind) == (str, ...):
        return {"type": "array", "items": {"type": "string", "pattern": f"^{events._SLUG.pattern}$"}}
    value = {"type": "string", "pattern": f"^{health._SHA256.pattern}$"} if name == "model_sha256" else word
    return {"type": "object", "propertyNames": word, "additionalProperties": value}


def _operation(name: str, does: str) -> dict[str, Any]:
    return {"action": does, "channel": {"$ref": f"#/channels/{name}"}, "bindings": {"mqtt": {"qos": 1}}}


def _channel(name: str, address: str, schema: str | None, summary: str) -> dict[str, Any]:
    payload: dict[str, Any] = {"type": "string", "enum": ["online", "offline", "stopped"]}
    message = {
        "summary": summary,
        "contentType": "application/json" if schema else "text/plain",
        "payload": {"schemaFormat": "application/schema+json;version=draft-07", "schema": {"$ref": f"./{schema}"}}
        if schema else payload,
    }  # fmt: skip
    names = [part[1:-1] for part in address.split("/") if part.startswith("{")]
    parameters = {each: {"description": f"Name of the {each}, from the settings."} for each in names}
    return {"address": address, "parameters": parameters, "messages": {name: message}}


if __name__ == "__main__":
    DOCS.mkdir(parents=True, exist_ok=True)
    for file, text in files().items():
        (DOCS / file).write_text(text, encoding="utf-8")
