"""``edge-agent discover``: the cameras on the network, and the lines for the settings file."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from edge_agent.errors import InputError, RunError

if TYPE_CHECKING:
    from edge_agent.onvif.device import FoundCamera, Login
    from edge_agent.onvif.discovery import Answer

PASSWORD_VARIABLE = "HINGEWATCH_ONVIF_PASSWORD"  # noqa: S105 - the name of the variable, not a password

Words = Annotated[
    list[str] | None,
    typer.Option("--address", metavar="HOST[:PORT]", help="Ask this camera, not the network; may be repeated."),
]
Interfaces = Annotated[
    list[str] | None,
    typer.Option("--interface", metavar="NAME", help="Such as eth1; may be repeated. Default: all."),
]


def discover(
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    seconds: Annotated[float, typer.Option("--seconds", min=0.5, max=60, help="Wait so long for answers.")] = 3.0,
    user: Annotated[str | None, typer.Option("--user", metavar="NAME", help="An ONVIF user of the cameras.")] = None,
    address: Words = None,
    interface: Interfaces = None,
) -> None:
    """Find the ONVIF cameras of this network, their streams, and the lines for the settings file.

    The password comes from HINGEWATCH_ONVIF_PASSWORD or a prompt. Of it every device that answers is sent a digest.
    """
    from rich.console import Console

    from edge_agent.onvif import report
    from edge_agent.onvif.discovery import discover as ask_the_network

    login = _login(user)
    answers = [_known(word) for word in address] if address else ask_the_network(seconds, interface or [])
    cameras = _ask_all(answers, login)
    if json:
        report.show_json(cameras, user)
    elif cameras:
        report.show(cameras, user, Console())
    if not cameras:
        raise RunError(report.NOBODY, report.NOBODY_FIX)


def _login(user: str | None) -> "Login | None":
    from edge_agent.onvif.device import Login

    if user is None:
        return None
    password = os.environ.get(PASSWORD_VARIABLE)
    return Login(user, password if password is not None else typer.prompt("Password", hide_input=True, err=True))


def _known(word: str) -> "Answer":
    """A camera that is asked directly: every ONVIF device has its device service at this path."""
    import socket

    from edge_agent.onvif.discovery import Answer

    name, _, port = word.partition(":")
    if (port and not port.isdecimal()) or not name:
        raise InputError(f"{word!r} is no address", "give it as 192.0.2.10 or 192.0.2.10:8000")
    try:
        host = socket.gethostbyname(name)
    except (OSError, UnicodeError):
        raise InputError(f"{name} is not known as a name or address", "give the camera's IP address") from None
    return Answer(host, f"http://{host}:{port or 80}/onvif/device_service")


def _ask_all(answers: "list[Answer]", login: "Login | None") -> "list[FoundCamera]":
    from edge_agent.onvif.device import FoundCamera, ask
    from edge_agent.side_by_side import side_by_side

    asked = side_by_side(lambda answer: ask(answer, login), answers, 30.0)
    silent = ("does not come to an end with its answers", "look at this device: it may be no camera")
    return [
        camera or FoundCamera(answer.name, answer.model, answer.host, (), *silent)
        for answer, camera in zip(answers, asked, strict=True)
    ]
