"""``edge-agent models ...``: fetch, list, verify and quantise the networks."""

from pathlib import Path
from typing import Annotated

import typer

from edge_agent.arguments import Config, settings_of

app = typer.Typer(help="The pose models: fetch, list, verify.", no_args_is_help=True)

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", show_default=False)]


@app.command("pull")
def pull(
    names: Names = None,
    everything: Annotated[bool, typer.Option("--all", help="Also lite and heavy (needs npm).")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing about models already here.")] = False,
    config: Config = None,
) -> None:
    """Fetch models and verify them; by default the detector and the full landmarker."""
    from edge_agent import registry

    wanted = registry.entries() if everything else names or registry.DEFAULT_MODELS

    def progress(line: str) -> None:
        if not (quiet and line.endswith(registry.ALREADY_HERE)):
            typer.echo(line)

    registry.pull(wanted, settings_of(config).pose.models_dir, progress)


@app.command("list")
def list_models(config: Config = None) -> None:
    """Every known model: state, size, licence, origin."""
    from rich.console import Console
    from rich.table import Table

    from edge_agent import registry

    folder = settings_of(config).pose.models_dir
    table = Table("model", "state", "MB", "licence", "from", box=None)
    for name, known in registry.entries().items():
        state = registry.verify(known, folder)
        table.add_row(name, state, f"{known.size_bytes / 1e6:.1f}", known.licence, known.origin)
    Console().print(table)


@app.command("verify")
def verify(names: Names = None, config: Config = None) -> None:
    """Compare the models with their pinned sha256; by default those that are here and the two defaults."""
    from edge_agent import registry

    folder = settings_of(config).pose.models_dir
    here = [name for name, known in registry.entries().items() if (folder / known.file).exists()]
    for name in names or dict.fromkeys([*registry.DEFAULT_MODELS, *here]):
        registry.load(name, folder)
        typer.echo(f"{name}: ok")


@app.command("test")
def prove(config: Config = None) -> None:
    """Open the models as the agent does: each file proven by its hash, each device by a known answer."""
    from edge_agent.pose.eyes import Eyes

    eyes = Eyes(settings_of(config).pose)
    for fallback in eyes.fallbacks:
        typer.echo(f"{fallback.model}: not on {fallback.device}: {fallback.error.what}")
    for model, device in eyes.devices.items():
        typer.echo(f"{model}: ok on {device}")


@app.command("quantize")
def quantize(
    clips: Annotated[list[Path], typer.Argument(metavar="CLIPS...", help="A site's videos.", show_default=False)],
    config: Config = None,
) -> None:
    """Make the landmarker INT8; it is kept only if it tells the same techniques and is faster here."""
    from edge_agent.quantize import quantize_files

    quantize_files(clips, settings_of(config))
