"""``edge-agent certs ...``: certificates, access list and broker configuration of a site."""

from pathlib import Path
from typing import Annotated

import typer

from edge_agent.core.events import is_slug
from edge_agent.errors import InputError

app = typer.Typer(help="A site's certificates and the broker's access list.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Where they lie.", show_default=False)]


@app.command()
def init(
    folder: Folder,
    site: Annotated[str, typer.Option("--site", help="The site's name, as in its settings.")],
    broker: Annotated[list[str], typer.Option("--broker", help="Name or address of the broker; may be repeated.")],
    agent: Annotated[list[str], typer.Option("--agent", help="An agent's name; may be repeated.")],
) -> None:
    """Make all of a site's certificates, the broker's access list and its configuration."""
    from edge_agent.site_certificates import SiteCertificates

    _check([site, *agent])
    SiteCertificates(folder).make(site, broker, agent)
    typer.echo(f"wrote {folder}. On the broker's machine, where mosquitto may enter it (Debian, as root):")
    typer.echo(f"  chown mosquitto {folder}/broker.key")
    typer.echo(f"  cp {folder}/mosquitto.conf /etc/mosquitto/conf.d/hingewatch.conf")
    typer.echo("  systemctl restart mosquitto")
    typer.echo(
        "Copy agents/NAME.pem and .key to each agent, bridge.pem and .key to the bridge, operator.pem and .key to"
    )
    typer.echo("who orders settings from afar (edge-agent orders), and ca.pem to all of them: mqtt.cert_file,")
    typer.echo("mqtt.key_file, mqtt.ca_file. An agent whose .pem is not in agents/ is let in no more once the access")
    typer.echo("list is written again.")
    typer.echo(f"Keep {folder}/ca.key off the network: whoever has it can pose as anyone.")


@app.command("agent")
def add(folder: Folder, name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)]) -> None:
    """Make one more agent's certificate, and let it in."""
    from edge_agent.site_certificates import SiteCertificates

    _check([name])
    SiteCertificates(folder).add(name)
    typer.echo(f"wrote {folder}/agents/{name}.pem and .key, and {folder}/acl: send the broker a SIGHUP")


@app.command()
def renew(folder: Folder) -> None:
    """Make new keys and certificates for the broker, the bridge and every agent."""
    from edge_agent.site_certificates import SiteCertificates

    for path in SiteCertificates(folder).renew():
        typer.echo(f"wrote {path} and its key")
    typer.echo(
        "Copy them over the old ones: agents and bridge take them at their next connection, the broker on SIGHUP."
    )


def _check(names: list[str]) -> None:
    for name in names:
        if not is_slug(name):
            raise InputError(f"{name} is not a fit name", "use up to 63 small letters, digits, - and _")
