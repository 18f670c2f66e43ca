"""``edge-agent orders ...``: change an agent's settings from afar, signed, tried out on one camera first."""

import time
from pathlib import Path
from typing import Annotated

import typer

from edge_agent.arguments import Config, settings_of
from edge_agent.errors import InputError, RunError

app = typer.Typer(help="Settings ordered from afar, over the broker.", no_args_is_help=True)

KeyFile = Annotated[Path, typer.Option("--key", metavar="FILE", help="The private key that `orders key` made.")]


@app.command()
def key(file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False)]) -> None:
    """Make the key that orders are signed with, and FILE's .pub for the agents."""
    from edge_agent.order_keys import new_key

    public = new_key(file)
    typer.echo(f"wrote {file}: keep it with you; whoever has it can change what agents count")
    typer.echo(f"wrote {public}: copy it to each agent and name it in orders.trusted_key")


@app.command()
def send(  # noqa: PLR0913, PLR0917 - typer takes each option as a parameter
    key: KeyFile,
    agent: Annotated[str, typer.Option("--agent", help="Whose settings; the site is that of --config.")],
    file: Annotated[Path | None, typer.Argument(metavar="[CHANGES.yaml]", show_default=False)] = None,
    config: Config = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Back to the agent's own file.")] = False,
    canary: Annotated[
        str | None, typer.Option("--canary", metavar="CAMERA", help="Which tries it out first.")
    ] = None,
    lifts: Annotated[int, typer.Option("--lifts", min=30, max=10_000, help="So many, before and after.")] = 30,
    wait: Annotated[float, typer.Option("--wait", metavar="SECONDS", min=1, help="For the agent's answer.")] = 60,
) -> None:
    """Order what CHANGES.yaml says, and tell what became of it. Exit code 1: it was refused."""
    from edge_agent.ordering import Errand, changes_of
    from edge_agent.orders import Order

    if withdraw == (file is not None):
        raise InputError("give either CHANGES.yaml or --withdraw", "see docs/updates.md for what can be ordered")
    settings, changes = settings_of(config), changes_of(file)
    number = time.time_ns() // 1_000_000
    order = Order(site=settings.site, agent=agent, number=number, changes=changes, canary=canary, lifts=lifts)
    with Errand(settings.mqtt, order, key) as errand:
        if errand.outcome(wait, typer.echo) == "refused":
            raise RunError(f"{agent} refused the order and goes on as it was", "mend it, and send it again")
