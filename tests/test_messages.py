"""What is written of the messages for others is what our own reader takes, no more and no less."""

import json
import re
from typing import Any, get_args

import jsonschema
import pytest
import yaml
from asyncapi3 import AsyncAPI3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from edge_agent.core import events
from edge_agent.core.events import FIELDS, EventError, from_json, to_json
from edge_agent.core.health import HealthRecord, health_json
from edge_agent.core.records import Technique
from edge_agent.orders import Changes, Order, sealed
from scripts.messages.generate import DOCS, files, health_schema, lift_schema, settings_schema
from tests.demo_day import DemoDay
from tests.lift_events import an_event

LIFT = jsonschema.Draft7Validator(lift_schema())
HEALTH = jsonschema.Draft7Validator(health_schema())


PAGE = (DOCS / "README.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r'```json title="(\w+)"\n(.*?)```', re.DOTALL)


def is_lift(payload: str) -> bool:
    try:
        from_json(payload)
    except EventError:
        return False
    return True


@pytest.mark.parametrize("name", files())
def test_the_files_are_what_the_code_says(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == files()[name], "python -m scripts.messages.generate"


def test_everything_that_was_published_in_a_whole_day_fits(demo_day: DemoDay) -> None:
    for message in demo_day.messages:
        validator = {"lift": LIFT, "health": HEALTH}.get(message.topic.rpartition("/")[2])
        if validator is not None:
            validator.validate(json.loads(message.payload))


WORDS = st.sampled_from(sorted({word for words in events._CHOICES.values() for word in words}))
NAMES = st.sampled_from(["leeds", "dock-1", "a_b", "Leeds", "dock 1", "", "-a", "x" * 63, "x" * 64, "outline-1.0"])
TIMES = st.sampled_from(["2026-11-24T03:55:00Z", "2026-11-24T03:55:00", "2026-11-24", "soon"])
VALUES = WORDS | NAMES | TIMES | st.none() | st.integers() | st.booleans() | st.lists(WORDS, max_size=1)


@given(
    st.dictionaries(st.sampled_from([*FIELDS, "worker"]), VALUES, max_size=2),
    st.sets(st.sampled_from(FIELDS), max_size=1),
)
def test_the_schema_and_our_own_reader_agree_on_what_is_a_lift(changed: dict[str, Any], missing: set[str]) -> None:
    wire = json.loads(to_json(an_event())) | changed
    wire = {name: value for name, value in wire.items() if name not in missing}
    assert LIFT.is_valid(wire) == is_lift(json.dumps(wire))


def test_a_newer_minor_version_is_for_readers_who_pass_over_what_they_do_not_know() -> None:
    newer = json.loads(to_json(an_event())) | {"schema": "hingewatch.lift/1.2", "lighting": "dim"}
    assert is_lift(json.dumps(newer))
    assert not LIFT.is_valid(newer), "the file tells of what we write"


def test_an_order_as_it_travels_fits() -> None:
    changes = Changes.model_validate({"technique": {"rounded_deg": 35}, "cameras": {"dock": {"rate_hz": 10}}})
    order = Order(site="north", agent="box-1", number=1, changes=changes, canary="dock")
    envelope = json.loads(sealed(order, Ed25519PrivateKey.generate()))
    jsonschema.Draft7Validator(settings_schema()).validate(envelope)
    jsonschema.Draft202012Validator(Order.model_json_schema()).validate(json.loads(envelope["order"]))


def test_a_health_record_that_an_agent_cannot_write_does_not_fit() -> None:
    record = json.loads(health_json(HealthRecord(zones=("dock",), devices={"spine": "CPU"}), 1))
    HEALTH.validate(record)
    for wrong in (
        {"zones": ["Anna's desk"]},
        {"devices": {"spine": "CPU at 10:03"}},
        {"frames": "many"},
        {"face": "x"},
    ):
        assert not HEALTH.is_valid(record | wrong), wrong


def test_every_schema_that_asyncapi_names_is_there_and_speaks_of_our_topics() -> None:
    channels = yaml.safe_load(files()["asyncapi.yaml"])["channels"]
    payloads = [message["payload"] for channel in channels.values() for message in channel["messages"].values()]
    named = {payload["schema"]["$ref"].removeprefix("./") for payload in payloads if "schema" in payload}
    assert named | {"order-1.schema.json"} == {name for name in files() if name.endswith(".json")}
    topics = {channel["address"].rpartition("/")[2] for channel in channels.values()}
    assert topics == {"lift", "health", "status", "settings"}
    assert set(get_args(Technique)) <= set(lift_schema()["properties"]["technique"]["enum"])


def test_the_examples_on_the_page_are_what_is_written_and_read() -> None:
    told = {name: json.loads(text) for name, text in EXAMPLE.findall(PAGE)}
    assert set(told) == {"lift", "health", "order", "settings"}
    assert json.loads(to_json(from_json(json.dumps(told["lift"])))) == told["lift"]
    LIFT.validate(told["lift"])

    health = dict(told["health"])
    HEALTH.validate(health)
    at_unix_s = health.pop("at_unix_s")
    del health["schema"]
    record = HealthRecord(**health | {"zones": tuple(health["zones"])})
    assert json.loads(health_json(record, at_unix_s)) == told["health"]

    jsonschema.Draft7Validator(settings_schema()).validate(told["settings"])
    for order in (told["order"], json.loads(told["settings"]["order"])):
        jsonschema.Draft202012Validator(Order.model_json_schema()).validate(order)
        assert Order.model_validate_json(json.dumps(order)).agent == "dock-box-1"


def test_the_page_has_the_topics_of_asyncapi() -> None:
    channels = yaml.safe_load(files()["asyncapi.yaml"])["channels"].values()
    addresses = {re.sub(r"\{(\w+)\}", lambda name: name[1].upper(), channel["address"]) for channel in channels}
    assert set(re.findall(r"^\| `(ergo/[^`]+)`", PAGE, re.MULTILINE)) == addresses


def test_asyncapi_is_as_its_specification_says_and_every_reference_leads_somewhere() -> None:
    written = yaml.safe_load(files()["asyncapi.yaml"])
    AsyncAPI3.model_validate(written)
    for operation in written["operations"].values():
        _, place, name = operation["channel"]["$ref"].split("/")
        assert name in written[place]

    wrong = written | {"operations": {"send_lift": {"action": "shout", "channel": {"$ref": "#/channels/lift"}}}}
    with pytest.raises(ValidationError, match="shout"):
        AsyncAPI3.model_validate(wrong)
