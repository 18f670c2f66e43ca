"""What was found, for people and programs, with the lines for the settings file."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Final
from urllib.parse import quote

import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from edge_agent.onvif.checked import slug
from edge_agent.onvif.device import FoundCamera, Stream

NEEDED_PX: Final = 720
"""Lines of a picture that are looked at; more are decoded only to be thrown away (settings: height_px)."""
NOBODY: Final = "no camera answered"
NOBODY_FIX: Final = (
    "check that this machine is in the cameras' network (VLAN), that its switch passes multicast 239.255.255.250, "
    "UDP 3702, and that ONVIF is switched on in the cameras; a container needs host networking; or ask one by its "
    "address: --address 192.0.2.10"
)


def best_of(streams: Sequence[Stream]) -> Stream | None:
    """The smallest that has all the lines that are looked at, else the largest."""
    enough = [stream for stream in streams if stream.height >= NEEDED_PX]
    return min(enough, key=_size) if enough else max(streams, key=_size, default=None)


def entries(cameras: Sequence[FoundCamera], user: str | None) -> list[dict[str, str] | None]:
    """For each camera its entry for ``cameras:``, the password left to the environment; None without a stream."""
    names = _names(cameras)
    return [
        None if stream is None else {"name": name, "source": _source(stream.url, name, user)}
        for name, stream in zip(names, (best_of(camera.streams) for camera in cameras), strict=True)
    ]


def variable_of(name: str) -> str:
    """The environment variable that holds the password of the camera of this name."""
    word = name.upper().replace("-", "_")
    return f"{word if word[0].isalpha() else f'CAMERA_{word}'}_PASSWORD"


def show(cameras: Sequence[FoundCamera], user: str | None, console: Console) -> None:
    """A table, then what to paste."""
    table = Table("camera", "address", box=None)
    table.add_column("streams", overflow="fold")
    for camera in cameras:
        named = escape(camera.name or "?") + (f"\n[dim]{escape(camera.model)}[/]" if camera.model else "")
        table.add_row(named, escape(camera.address), "\n".join(_lines(camera)))
    console.print(table)
    found = [entry for entry in entries(cameras, user) if entry]
    if not found:
        return
    console.print("\n[bold]For the settings file:[/]\n")
    # without rich's wrapping and colours: it is to be pasted
    print(yaml.safe_dump({"cameras": found}, sort_keys=False, width=10_000), end="", file=console.file)
    if user is not None:
        variables = ", ".join(variable_of(entry["name"]) for entry in found)
        console.print(f"\nSet before the start, to {escape(user)}'s password on each: {variables}")


def show_json(cameras: Sequence[FoundCamera], user: str | None) -> None:
    """The same for programs."""
    shown = zip(cameras, entries(cameras, user), strict=True)
    print(json.dumps([asdict(camera) | {"settings": entry} for camera, entry in shown], indent=2))


def _lines(camera: FoundCamera) -> Iterator[str]:
    for stream in camera.streams:
        size = f"{stream.width}x{stream.height}" if stream.width and stream.height else ""
        fps = f"{stream.fps:g} frames/s" if stream.fps else ""
        yield escape(" ".join(filter(None, (stream.url, stream.codec, size, fps))))
    if camera.problem:
        yield f"[yellow]{escape(camera.problem)}[/]"
    if camera.fix:
        yield f"[bold]fix:[/bold] {escape(camera.fix)}"


def _source(url: str, name: str, user: str | None) -> str:
    if user is None:
        return url
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{quote(user, safe='')}:${{{variable_of(name)}}}@{rest}"


def _names(cameras: Sequence[FoundCamera]) -> list[str]:
    """Distinct, and such as the settings take."""
    names: list[str] = []
    for camera in cameras:
        wanted = slug(camera.name) or f"camera-{slug(camera.address)}"
        name, number = wanted, 2
        while name in names:
            name, number = f"{wanted}-{number}", number + 1
        names.append(name)
    return names


def _size(stream: Stream) -> int:
    return stream.width * stream.height
