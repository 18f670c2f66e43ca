"""Zones and masks written into the text of a settings file, of which nothing else changes.

PyYAML tells where each value stands; only values that were changed are replaced. ruamel.yaml was tried and not taken:
it writes the whole file anew in one indentation, and puts an added zone behind the comment of what follows the zones.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import yaml
from yaml.constructor import SafeConstructor

from edge_agent.errors import InputError
from edge_agent.setup.floor import Floor, Mask, Zone

_PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]*")
_Drawn = TypeVar("_Drawn", bound=Mask)


def with_floor(text: str, camera: str, floor: Floor) -> str:
    """The text with this camera's zones and masks; the caller checks that it says what was meant.

    Raises InputError where the file is written in a form that cannot be edited.
    """
    try:
        file = _Text(text)
        node = _named(_value(yaml.compose(text, Loader=yaml.SafeLoader), "cameras"), camera)
        edits = [
            *_List(file, node, "zones", list(map(_written, floor.zones))).edits(floor.zones, _zone_edits),
            *_List(file, node, "masks", [mask.polygon for mask in floor.masks]).edits(floor.masks, _mask_edits),
        ]
    except (LookupError, ValueError, AttributeError, TypeError) as error:
        raise cannot_edit(camera) from error
    return file.edited(edits)


def cannot_edit(camera: str) -> InputError:
    """Said where aliases, merge keys or other rare forms are in the way."""
    return InputError(
        f"the file holds the zones or masks of {camera} in a form that this page cannot edit",
        "write them out below the camera, without aliases, as in configs/example.yaml; or edit the file by hand",
    )


class _Edit(NamedTuple):
    """``rank``: where two begin at one place, the lower stands first."""

    start: int
    end: int
    rank: int
    text: str


class _Text:
    """The file, and where lines end and list items begin in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.newline = "\r\n" if "\r\n" in text else "\n"
        tokens = yaml.scan(text, Loader=yaml.SafeLoader)
        self._dashes = [token.start_mark.index for token in tokens if isinstance(token, yaml.BlockEntryToken)]

    def edited(self, edits: Sequence[_Edit]) -> str:
        """From the end backwards, so that no edit moves another."""
        text = self.text
        for edit in sorted(edits, reverse=True):
            text = text[: edit.start] + edit.text + text[edit.end :]
        return text

    def line_after(self, index: int) -> int:
        """Where the next line begins."""
        found = self.text.find("\n", index)
        return len(self.text) if found < 0 else found + 1

    def inserted_after(self, index: int, lines: Sequence[str], rank: int = 0) -> _Edit:
        """Lines below the one in which this place is."""
        place = self.line_after(index)
        unended = place == len(self.text) and not self.text.endswith("\n")
        added = "".join(line + self.newline for line in lines)
        return _Edit(place, place, rank, self.newline * unended + added)

    def without(self, item: yaml.Node) -> _Edit:
        """An item of a block list, with all of its lines."""
        dash = self._dashes[bisect_left(self._dashes, item.start_mark.index) - 1]
        return _Edit(self.text.rfind("\n", 0, dash) + 1, self.line_after(_end(item)), 0, "")


class _List:
    """``zones`` or ``masks`` of one camera, and what the list shall hold."""

    def __init__(self, file: _Text, camera: yaml.MappingNode, key: str, items: Sequence[Any]) -> None:
        self._file, self._camera, self._key, self._items = file, camera, key, items

    def edits(self, drawn: Sequence[_Drawn], changes: Callable[[Any, _Drawn], list[_Edit]]) -> list[_Edit]:
        """What to replace in the text. changes: those within one item of the file."""
        found = _value(self._camera, self._key)
        if found is None:
            return [self._new()] if drawn else []
        kept = [(each.was, each) for each in drawn if each.was is not None]
        gone = sorted(set(range(len(found.value))) - {was for was, _ in kept})
        added = self._items[len(kept) :]
        if found.flow_style and (gone or added):
            return [self._anew(found)]
        edits = [edit for was, each in kept for edit in changes(found.value[was], each)]
        edits += [self._file.without(found.value[index]) for index in gone]
        if added:
            edits.append(self._file.inserted_after(_end(found), _block(added, found.start_mark.column)))
        elif gone and not kept:
            edits.append(_Edit(self._colon, self._colon, 0, " []"))
        return edits

    @property
    def _colon(self) -> int:
        """Right behind the key's colon."""
        pair = _pair(self._camera, self._key)
        return self._file.text.index(":", pair[0].end_mark.index) + 1

    def _new(self) -> _Edit:
        if self._camera.flow_style:
            end = _end(self._camera.value[-1][1])
            return _Edit(end, end, 1, f", {self._key}: {_flow(self._items)}")
        column = self._camera.start_mark.column
        lines = [f"{' ' * column}{self._key}:", *_block(self._items, column + 2)]
        return self._file.inserted_after(_end(self._camera), lines, rank=1)

    def _anew(self, found: yaml.Node) -> _Edit:
        newline = self._file.newline
        if self._camera.flow_style or not self._items:
            written = f" {_flow(self._items)}"
        else:
            lines = _block(self._items, self._camera.start_mark.column + 2)
            written = "".join(newline + line for line in lines)
        return _Edit(self._colon, found.end_mark.index, 0, written)


def _named(cameras: Any, name: str) -> yaml.MappingNode:
    (found,) = [each for each in cameras.value if _value(each, "name").value == name]
    if not isinstance(found, yaml.MappingNode):
        raise TypeError(name)
    return found


def _pair(node: Any, key: str) -> tuple[yaml.Node, yaml.Node]:
    return next((name, value) for name, value in node.value if name.value == key)


def _value(node: Any, key: str) -> Any:
    return next((value for name, value in node.value if name.value == key), None)


def _end(node: Any) -> int:
    """Behind the value's last sign; PyYAML's own end of a block reaches over the comments that follow."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(node, yaml.MappingNode) else last)


def _replaced(node: Any, value: Any) -> list[_Edit]:
    """Nothing where the file says so already, however it is written."""
    meant = [list(corner) for corner in value] if isinstance(value, list) else value
    if SafeConstructor().construct_document(node) == meant:
        return []
    return [_Edit(node.start_mark.index, _end(node), 0, _flow(value))]


def _mask_edits(node: Any, mask: Mask) -> list[_Edit]:
    return _replaced(node, mask.polygon)


def _zone_edits(node: Any, zone: Zone) -> list[_Edit]:
    key, polygon = _pair(node, "polygon")
    edits = [*_replaced(_value(node, "name"), zone.name), *_replaced(polygon, zone.polygon)]
    workers = _value(node, "workers")
    if workers is not None:
        edits += _replaced(workers, zone.workers)
    elif zone.workers is not None:
        between = ", " if node.flow_style else "\n" + " " * key.start_mark.column
        edits.append(_Edit(key.start_mark.index, key.start_mark.index, 0, f"workers: {zone.workers}{between}"))
    return edits


def _written(zone: Zone) -> dict[str, Any]:
    found = {"name": zone.name, "polygon": zone.polygon, "workers": zone.workers}
    return {key: value for key, value in found.items() if value is not None}


def _block(items: Sequence[Any], column: int) -> list[str]:
    """Lines of a list whose dashes stand in this column."""
    lines = []
    for item in items:
        rows = [f"{key}: {_flow(value)}" for key, value in item.items()] if isinstance(item, dict) else [_flow(item)]
        lines += [f"{' ' * column}{'  ' if number else '- '}{row}" for number, row in enumerate(rows)]
    return lines


def _flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and yaml.safe_load(value) == value
        return value if plain else str(yaml.dump(value, default_style='"', width=10_000, allow_unicode=True)).strip()
    return "null" if value is None else repr(value)
