"""Settings files and model manifests that make PyYAML stumble are refused in one line, never with a traceback."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent import registry, settings_file
from edge_agent.errors import InputError

_ALIASES = "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 9))
BOMBS = {
    "a billion laughs": "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + _ALIASES,
    "deep nesting": "[" * 1500,
    "a date that is not": "site: 2024-13-45",
    "a number of 5000 digits": "site: " + "9" * 5000,
    "the same in hex": "site: 0x" + "f" * 20000,
    "no digits at all": "site: 0b_",
    "a time zone of four days": "a: 2001-01-01T00:00:00+99:00",
    "a letter beyond Unicode": 'a: "\\U00110000"',
    "a word as integer": "a: !!int x",
    "a word as truth": "a: !!bool x",
    "a word as time": "a: !!timestamp x",
    "the home of nobody": "bridge: {state_path: '~nobody-here/x'}",
    "a NUL in a path": 'mqtt: {password_file: "a\\0b"}',
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS.keys())
def test_what_yaml_stumbles_over_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(text)

    with pytest.raises(InputError):
        settings_file.load(path, {})
    with pytest.raises(InputError):
        registry._entry_of("tiny", text.encode())


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
def test_no_bytes_can_do_more_than_be_refused_as_manifest(data: bytes) -> None:
    with pytest.raises(InputError):
        registry._entry_of("tiny", data)
