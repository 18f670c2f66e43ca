"""What several commands take, and the settings that ``--config`` names."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from edge_agent.settings import Settings

Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The site's settings (YAML).")]
Video = Annotated[Path, typer.Argument(metavar="VIDEO", help="A video file.", show_default=False)]


def settings_of(path: Path | None, *, cameras: bool = False) -> "Settings":
    """Read the settings. Raises InputError as `settings_file.load` does."""
    from edge_agent.settings_file import load

    return load(path, os.environ, cameras=cameras)
