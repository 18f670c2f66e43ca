"""Settings ordered from afar: only those, only by whoever holds the key, and never to tell more about people."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.errors import InputError
from edge_agent.order_keys import new_key, private_key, public_key
from edge_agent.orders import MAX_ORDER_BYTES, Changes, Order, RefusedOrderError, changed, opened, sealed
from edge_agent.settings import Settings

KEY = Ed25519PrivateKey.generate()
SQUARE, STRIP = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)), ((0.0, 0.0), (0.2, 0.0), (0.2, 1.0))
FILE = Settings.model_validate(
    {
        "site": "north",
        "agent": "box-1",
        "cameras": [
            {"name": "dock", "source": "rtsp://10.0.0.7/live", "masks": [STRIP],
             "zones": [{"name": "bay", "polygon": SQUARE, "workers": 5}]},
            {"name": "gate", "source": "0", "zones": [{"name": "gate", "polygon": SQUARE, "workers": 8}]},
        ],
    }
)  # fmt: skip


def an_order(**changes: Any) -> Order:
    return Order(site="north", agent="box-1", number=7, changes=Changes.model_validate(changes))


def refused(payload: bytes) -> str:
    with pytest.raises(RefusedOrderError) as caught:
        opened(payload, KEY.public_key())
    return caught.value.reason


def test_what_was_signed_is_what_is_opened() -> None:
    order = an_order(technique={"rounded_deg": 35}, cameras={"dock": {"rate_hz": 10}})
    assert opened(sealed(order, KEY).encode(), KEY.public_key()) == order


def test_an_order_of_somebody_elses_key_or_with_one_letter_changed_is_refused() -> None:
    order = an_order(technique={"rounded_deg": 35})
    assert refused(sealed(order, Ed25519PrivateKey.generate()).encode()) == "signature"
    assert refused(sealed(order, KEY).replace("35", "36").encode()) == "signature"


@pytest.mark.parametrize(
    "payload",
    [b"", b"{}", b"[]", b"\xff\xfe", b"[" * 10_000, b'{"schema":"hingewatch.settings/2","order":"","signature":""}',
     b"x" * (MAX_ORDER_BYTES + 1)],
    ids=["nothing", "empty", "a list", "no UTF-8", "deep", "another version", "huge"],
)  # fmt: skip
def test_what_is_no_order_is_refused(payload: bytes) -> None:
    assert refused(payload) == "malformed"


@given(st.binary(max_size=300) | st.dictionaries(st.text(), st.text()).map(lambda each: json.dumps(each).encode()))
def test_whatever_anyone_sends_is_refused_and_nothing_else(payload: bytes) -> None:
    assert refused(payload) in {"malformed", "signature"}


@pytest.mark.parametrize(
    "order",
    ['{"site":"north","agent":"box-1","number":7,"changes":{"mqtt":{"host":"evil.example"}}}',
     '{"site":"north","agent":"box-1","number":7,"changes":{"privacy":{"min_lifts":1}}}',
     '{"site":"north","agent":"box-1","number":7,"changes":{"cameras":{"dock":{"source":"rtsp://evil.example/"}}}}',
     '{"site":"north","agent":"box-1","number":0}',
     '{"site":"north","agent":"box-1","number":7,"canary":"dock","lifts":1}'],
    ids=["broker", "privacy", "source", "number", "one lift"],
)  # fmt: skip
def test_even_who_holds_the_key_cannot_order_this(order: str) -> None:
    signature = base64.b64encode(KEY.sign(order.encode())).decode()
    envelope = {"schema": "hingewatch.settings/1", "order": order, "signature": signature}
    assert refused(json.dumps(envelope).encode()) == "bad_value"


def test_what_was_ordered_lies_on_top_of_the_file_and_leaves_the_rest() -> None:
    new = changed(
        FILE,
        Changes.model_validate(
            {"technique": {"rounded_deg": 40}, "pose": {"landmarker": "lite"}, "cameras": {"dock": {"rate_hz": 8}}}
        ),
    )
    assert (new.technique.rounded_deg, new.technique.squat_index) == (40, FILE.technique.squat_index)
    assert (new.pose.landmarker, new.pose.device) == ("lite", FILE.pose.device)
    dock, gate = new.cameras
    assert (dock.rate_hz, dock.source, dock.zones) == (8, "rtsp://10.0.0.7/live", FILE.cameras[0].zones)
    assert gate == FILE.cameras[1]
    assert changed(FILE, Changes()) == FILE


def test_masks_can_be_added_and_none_taken_away() -> None:
    more = ((0.5, 0.5), (0.6, 0.5), (0.6, 0.6))
    (dock, _) = changed(FILE, Changes.model_validate({"cameras": {"dock": {"masks": [more]}}})).cameras
    assert dock.masks == (STRIP, more)
    (dock, _) = changed(FILE, Changes.model_validate({"cameras": {"dock": {"masks": []}}})).cameras
    assert dock.masks == (STRIP,)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"cameras": {"attic": {"rate_hz": 8}}}, "unknown_camera"),
        ({"cameras": {"dock": {"rate_hz": 900}}}, "bad_value"),
        ({"technique": {"rounded_deg": 0}}, "bad_value"),
        ({"cameras": {"dock": {"zones": [{"name": "spot", "polygon": STRIP, "workers": 1}]}}}, "tells_more"),
        ({"cameras": {"dock": {"zones": [{"name": "spot", "polygon": STRIP}]}}}, "tells_more"),
    ],
)
def test_what_does_not_fit_the_file_is_refused_as_a_whole(changes: Any, reason: str) -> None:
    with pytest.raises(RefusedOrderError) as caught:
        changed(FILE, Changes.model_validate(changes))
    assert caught.value.reason == reason


def test_a_key_pair_is_made_once_and_the_private_half_is_for_its_owner_only(tmp_path: Path) -> None:
    public = new_key(tmp_path / "orders.key")
    order = an_order()
    assert opened(sealed(order, private_key(tmp_path / "orders.key")).encode(), public_key(public)) == order
    assert (tmp_path / "orders.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(InputError, match="exists already"):
        new_key(tmp_path / "orders.key")


def test_the_halves_cannot_be_mixed_up(tmp_path: Path) -> None:
    public = new_key(tmp_path / "orders.key")
    with pytest.raises(InputError, match="cannot use"):
        public_key(tmp_path / "orders.key")
    with pytest.raises(InputError, match="cannot use"):
        private_key(public)
