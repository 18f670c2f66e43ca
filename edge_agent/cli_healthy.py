"""``edge-agent healthy`` and ``edge-agent lifts``: the agent that runs here is asked."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edge_agent.arguments import Config, settings_of
from edge_agent.errors import InputError

if TYPE_CHECKING:
    from edge_agent.core.figures import Share
    from edge_agent.healthy import Address

Part = Annotated[
    Literal["agent", "bridge"] | None,
    typer.Argument(metavar="[agent|bridge]", help="Left out: whichever answers.", show_default=False),
]


def healthy(
    part: Part = None,
    config: Config = None,
    within_s: Annotated[float, typer.Option("--within-s", min=0, help="It may take so long to become so.")] = 0,
    for_s: Annotated[float, typer.Option("--for-s", min=0, help="And must remain so for as long.")] = 0,
    cameras: Annotated[
        str, typer.Option("--cameras", metavar="A,B", help="And then see these cameras; * is all of --config.")
    ] = "",
) -> None:
    """Ask the agent or bridge that runs here whether it is healthy, and which cameras it sees."""
    from edge_agent.core.probation import Probation
    from edge_agent.healthy import prove

    wanted = {name for name in cameras.split(",") if name}
    if wanted == {"*"}:
        wanted = {camera.name for camera in settings_of(config, cameras=True).cameras}
    seen = prove(_pages(part, config), Probation(within_s, for_s, frozenset(wanted)))
    typer.echo(f"healthy, cameras seen: {','.join(sorted(seen))}" if seen else "healthy")


def lifts(
    config: Config = None,
    before: Annotated[
        str | None,
        typer.Option("--before", metavar="UNKNOWN/LIFTS", help="Are more unknown than this command once printed?"),
    ] = None,
) -> None:
    """Ask the agent that runs here how many lifts it has counted, and of how many it could not tell the technique."""
    from edge_agent.core.successor import Successor
    from edge_agent.healthy import unknown_lifts

    earlier = None if before is None else _share(before)
    (page,) = _pages("agent", config)
    now = unknown_lifts(page)
    typer.echo(f"{now.part}/{now.whole}" if earlier is None else Successor(earlier, now).words)


def _share(text: str) -> "Share":
    """Raises InputError where it is none."""
    from edge_agent.core.figures import Share

    part, slash, whole = text.partition("/")
    if slash and part.isdecimal() and whole.isdecimal() and int(part) <= int(whole):
        return Share(int(part), int(whole))
    raise InputError(f"{text!r} is no count of lifts", "give what `edge-agent lifts` printed before, such as 12/60")


def _pages(part: Part, config: Config) -> "list[Address]":
    from edge_agent.healthy import USUAL_PAGES

    agent, bridge = USUAL_PAGES
    if config:
        settings = settings_of(config)
        agent = settings.metrics.host, settings.metrics.port
        bridge = settings.bridge.host, settings.bridge.port
    return [page for name, page in (("agent", agent), ("bridge", bridge)) if part in {None, name}]
