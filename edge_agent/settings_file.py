"""The only reader of YAML, environment and secret files: one site's file becomes frozen :class:`Settings`."""

import stat
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from inspect import isclass
from pathlib import Path
from typing import Any, get_args

import structlog
import yaml
from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails

from edge_agent.errors import InputError
from edge_agent.settings import PASSWORD_VARIABLE, MqttSettings, Section, Settings

Place = tuple[str | int, ...]
"""Where a value stands in the file, such as ("cameras", 0, "zones", 1, "polygon")."""

# pydantic's error type -> what and fix, where its own words are for programmers
_WORDS = {
    "missing": ("missing", "add it"),
    "string_type": ("must be text", "put the value in quotes"),
    "string_pattern_mismatch": ("not a fit name", "use up to 63 small letters, digits, - and _"),
    "model_type": ("must be a group of `key: value` lines", "see configs/example.yaml for its shape"),
    "tuple_type": ("must be a list", "see configs/example.yaml for its shape"),
    "too_short": ("has too few entries", "a polygon has three corners or more, a corner two numbers"),
    "too_long": ("has too many entries", "a corner is two numbers: [x, y]"),
    "float_parsing": ("must be a number", ""),
    "int_parsing": ("must be a whole number", ""),
}

MAX_TEXT_CHARS = 262_144
"""A site of a hundred cameras is about 60,000."""
MAX_PLACES = 20_000
"""Aliases to aliases grow a short file without end: no more values than this, each use of an alias counted."""

# What PyYAML lets out besides its own errors: !!int x, 2024-13-45, "\\U00110000", a thousand brackets.
_YAML_LEAKS = (ValueError, ArithmeticError, LookupError, AttributeError, TypeError, RecursionError)

log = structlog.get_logger()


class FlawError(InputError):
    """What is wrong at one place of the file; ``said`` is that without the place."""

    def __init__(self, where: str, place: Place, said: str, fix: str) -> None:
        super().__init__(f"{where}: {_spell(place)}: {said}", fix)
        self.place, self.said = place, said


class SettingsError(InputError):
    """A file with one flaw or more; ``flaws`` holds all of them, the first is the error's own text."""

    def __init__(self, flaws: Sequence[InputError]) -> None:
        more = f" (and {len(flaws) - 1} more: edge-agent config check)" if len(flaws) > 1 else ""
        super().__init__(flaws[0].what, flaws[0].fix + more)
        self.flaws = flaws


def load(path: Path | None, environ: Mapping[str, str], *, cameras: bool = True) -> Settings:
    """Read one site's file, or the defaults where ``path`` is None, and the secrets beside it.

    Without ``cameras`` that part is passed over: who watches none need not be told their passwords.

    Raises SettingsError naming file, line and key of every flaw, InputError where a file cannot be read.
    """
    text = "" if path is None else _read(path, "the settings file", "check the path given to --config")
    return load_text(text, str(path), environ, cameras=cameras)


def load_text(text: str, name: str, environ: Mapping[str, str], *, cameras: bool = True) -> Settings:
    """The same, of a file's text; ``name`` is what errors call it."""
    lines, tree = _parse(text, name)
    if not cameras and isinstance(tree, dict):
        tree.pop("cameras", None)
    try:
        settings = Settings.model_validate(tree, context=environ)
    except ValidationError as error:
        details = error.errors()
        own = (each for each in details if not _is_echo(each, details))
        raise SettingsError([_explain(each, name, lines) for each in own]) from None
    password = _password(settings.mqtt, environ)
    return settings.model_copy(update={"mqtt": settings.mqtt.model_copy(update={"password": password})})


def load_values(path: Path) -> Any:
    """The values of another YAML file that people write. Raises InputError."""
    return _parse(_read(path, "the file", "check the path"), str(path))[1]


def _read(path: Path, what: str, fix: str) -> str:
    try:
        return path.expanduser().read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot read {what} {path}: {error.strerror}", fix) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{what} {path} is not UTF-8 text", "save it as UTF-8") from error
    except (ValueError, RuntimeError) as error:  # a NUL in the path; the home of a user who is not there
        raise InputError(f"cannot read {what} {str(path)!r}: {error}", fix) from error


def _password(mqtt: MqttSettings, environ: Mapping[str, str]) -> SecretStr | None:
    """The variable wins over the file; an empty one counts as absent."""
    if environ.get(PASSWORD_VARIABLE):
        return SecretStr(environ[PASSWORD_VARIABLE])
    if mqtt.password_file is None:
        return None
    fix = f"check mqtt.password_file, or set {PASSWORD_VARIABLE}"
    password = _read(mqtt.password_file, "the password file", fix).rstrip("\r\n")
    if not password:
        raise InputError(f"the password file {mqtt.password_file} is empty", fix)
    if mqtt.password_file.expanduser().stat().st_mode & stat.S_IROTH:
        log.warning(
            "every user of this machine can read the password file",
            path=str(mqtt.password_file),
            fix=f"chmod 600 {mqtt.password_file}",
        )
    return SecretStr(password)


def _parse(text: str, name: str) -> tuple[dict[Place, int], Any]:
    """Give the line of every place in the file, counted from 1, and the values themselves."""
    if len(text) > MAX_TEXT_CHARS:
        raise InputError(f"{name} is too long for a settings file", f"keep it under {MAX_TEXT_CHARS} characters")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        lines = {} if root is None else _lines_of(root, name)
        tree = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"{name}:{line}: not YAML: {error.problem}", "check indentation, colons, quotes") from error
    except yaml.YAMLError as error:
        raise InputError(f"{name}: not YAML: {error}", "save it as plain UTF-8 text") from error
    except _YAML_LEAKS as error:
        raise InputError(f"{name}: a value cannot be read: {error}", "put it in quotes, nest less") from error
    return lines, {} if tree is None else tree


def _lines_of(root: yaml.Node, name: str) -> dict[Place, int]:
    lines: dict[Place, int] = {}
    for place, node in _walk(root, (), frozenset()):
        line = node.start_mark.line + 1
        if len(lines) >= MAX_PLACES:
            raise InputError(f"{name}:{line}: more than {MAX_PLACES} values", "use fewer aliases (*name)")
        # plain YAML keeps the last of two equal keys without a word
        if place in lines and isinstance(place[-1], str):
            raise SettingsError(
                [
                    InputError(
                        f"{name}:{line}: `{place[-1]}` is given twice",
                        f"first on line {lines[place]}: keep one",
                    )
                ]
            )
        lines[place] = line
    return lines


def _walk(node: yaml.Node, place: Place, above: frozenset[int]) -> Iterator[tuple[Place, yaml.Node]]:
    """Every place with the node that starts it: the key where there is one, else the value."""
    if id(node) in above:  # an alias to a parent
        return
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*place, str(key.value))
            yield inner, key
            yield from _walk(value, inner, above | {id(node)})
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            inner = (*place, index)
            yield inner, value
            yield from _walk(value, inner, above | {id(node)})


def _is_echo(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    """Whether pydantic complains of its own doing, each time after a flaw that is told.

    A list is too short because its faulty entries were left out; a default that follows from others was not made.
    """
    if detail["type"] == "default_factory_not_called":
        return True
    place = detail["loc"]
    within = (other["loc"] for other in details if other is not detail)
    return detail["type"] == "too_short" and any(other[: len(place)] == place for other in within)


def _explain(detail: ErrorDetails, name: str, lines: Mapping[Place, int]) -> InputError:
    place = detail["loc"]
    known = next((place[:end] for end in range(len(place), 0, -1) if place[:end] in lines), ())
    where = f"{name}:{lines[known]}" if known else name
    if detail["type"] == "extra_forbidden":
        return _unknown_key(where, place)
    message, fix = _WORDS.get(detail["type"], (detail["msg"], ""))
    if detail["type"] == "value_error":  # our own validators say "what: cure"
        message, _, fix = message.removeprefix("Value error, ").partition(": ")
    if not fix:
        fix = _meaning(place)
    given = detail["input"]
    # Python refuses to write out an int of thousands of digits
    short = isinstance(given, float) or (isinstance(given, int) and given.bit_length() <= 64)
    is_now = f" (is {given})" if short else ""
    return FlawError(where, place, f"{message[:1].lower()}{message[1:]}{is_now}", fix)


def _meaning(place: Place) -> str:
    """The setting that the value belongs to, in its own words: the innermost key that is not a list's index."""
    key = next((each for each in reversed(place) if isinstance(each, str)), "")
    field = _section((*place, "")).model_fields.get(key)
    meaning = field.description if field else None
    return f"choose another value ({key}: {meaning})" if meaning else "choose another, see configs/example.yaml"


def _unknown_key(where: str, place: Place) -> InputError:
    *above, key = place
    keys = [each for each in _section(place).model_fields if each != "password"]
    near = get_close_matches(str(key), keys, n=1)
    fix = f"did you mean `{near[0]}`?" if near else f"known keys: {', '.join(keys)}"
    return InputError(f"{where}: unknown key `{key}` in {_spell(tuple(above))}", fix)


def _section(place: Place) -> type[Section]:
    """The section that holds ``place``, whatever its last key is."""
    section: type[Section] = Settings
    for key in place[:-1]:
        field = section.model_fields.get(str(key))
        for kind in (field.annotation, *get_args(field.annotation)) if field else ():
            if isclass(kind) and issubclass(kind, Section):
                section = kind
    return section


def _spell(place: Place) -> str:
    """``cameras[0].zones[1].polygon``."""
    spelled = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place).removeprefix(".")
    return spelled or "the file"
