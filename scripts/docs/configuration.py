"""Every setting in words, from ``edge_agent.settings``."""

from collections.abc import Iterator
from inspect import isclass
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from edge_agent.settings import CameraSettings, Section, Settings, ZoneSettings

INTRODUCTION: Final = """\
# Configuration

One YAML file a box. **Every setting has a default: write down only what you change.** `configs/example.yaml` is the
same list with all values written out. A wrong file is told of at once, every mistake with its line and its cure:

```sh
cp configs/example.yaml my-site.yaml
.venv/bin/edge-agent config check my-site.yaml
```

This page is written from `edge_agent/settings.py` by `python -m scripts.docs.reference`.

## Secrets

No password stands in the file.

| what | where |
|---|---|
| a camera's password | `${NAME}` in its `source` is replaced by the variable `NAME`; it may hold any sign |
| the broker's password | the variable `HINGEWATCH_MQTT_PASSWORD`, or the file that `mqtt.password_file` names |
| certificates | `mqtt.cert_file` and `mqtt.key_file`; `edge-agent certs` makes them |
"""
HEAD: Final = "| setting | meaning | values | default |\n|---|---|---|---|\n"
UNITS: Final = {"_s": "seconds", "_deg": "degrees", "_px": "pixels", "_hz": "a second", "_mib": "MiB"}
KINDS: Final = {bool: "`true`, `false`", int: "whole number", float: "number", str: "text"}
LISTS: Final = {
    "cameras": "list, see below",
    "zones": "list, see below",
    "polygon": "three corners or more, each `[x, y]` from 0 to 1",
    "masks": "list of polygons",
    "shift_starts": "list of hours, 0 to 23",
}


def configuration() -> str:
    """The page."""
    parts = [INTRODUCTION, "## At the top\n\n" + HEAD + "".join(_rows(Settings, ""))]
    parts += [_section(f"cameras[].{kind}" if kind else "cameras[]", section) for kind, section in (
        ("", CameraSettings), ("zones[]", ZoneSettings))]  # fmt: skip
    parts += [_section(name, type(getattr(Settings(), name))) for name in Settings.model_fields
              if isinstance(getattr(Settings(), name), Section)]  # fmt: skip
    return "\n".join(parts)


def _section(name: str, section: type[Section]) -> str:
    meaning = (section.__doc__ or "").split(" Sources:")[0].strip()
    return f"## {name}\n\n{meaning}\n\n{HEAD}{''.join(_rows(section, f'{name}.'))}"


def _rows(section: type[Section], prefix: str) -> Iterator[str]:
    for name, field in section.model_fields.items():
        if not (_is_section(field) or field.exclude):
            meaning = field.description or ""
            yield f"| `{prefix}{name}` | {meaning} | {_values(name, field)} | {_default(field)} |\n"


def _is_section(field: FieldInfo) -> bool:
    return isclass(field.annotation) and issubclass(field.annotation, Section)


def _values(name: str, field: FieldInfo) -> str:
    """What may be given, in words."""
    kinds = [kind for kind in (field.annotation, *get_args(field.annotation)) if kind is not None]
    if get_origin(kinds[0]) is Literal:
        return ", ".join(f"`{word}`" for word in get_args(kinds[0]))
    if get_origin(kinds[0]) is tuple:
        return LISTS[name]
    if _limit(field, "pattern") or any(_has_pattern(kind) for kind in kinds):
        return "name"
    if any(Path in (kind, *get_args(kind)) for kind in kinds):
        return "path"
    kind = next((KINDS[kind] for kind in kinds if kind in KINDS), "text")
    unit = next((word for end, word in UNITS.items() if name.endswith(end)), "")
    return f"{_range(field)} {unit}".strip() if unit else ", ".join(filter(None, (kind, _range(field))))


def _has_pattern(kind: Any) -> bool:
    return "pattern=" in str(getattr(kind, "__metadata__", ""))


def _limit(field: FieldInfo, name: str) -> Any:
    return next((value for rule in field.metadata if (value := getattr(rule, name, None)) is not None), None)


def _range(field: FieldInfo) -> str:
    at_least, above, at_most, below = (_limit(field, name) for name in ("ge", "gt", "le", "lt"))
    if at_least is not None and at_most is not None:
        return f"{at_least:g} to {at_most:g}"
    bounds = (
        (at_least, "from {:g}" if below else "{:g} or more"),
        (above, "above {:g}"),
        (at_most, "at most {:g}"),
        (below, "below {:g}"),
    )
    return ", ".join(words.format(bound) for bound, words in bounds if bound is not None)


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "see meaning"
    if field.default is PydanticUndefined:
        return "must be given"
    if field.default is None or field.default == ():
        return "none"
    value = field.default
    return (
        f"`{str(value).lower() if isinstance(value, bool) else list(value) if isinstance(value, tuple) else value}`"
    )
