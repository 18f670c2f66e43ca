"""Arguments → settings → parts → run. Each command imports what it needs, so that ``--help`` is instant.

Exit code 0: done. 1: failed while running. 2: bad input. 130: Ctrl-C.
"""

import signal
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from edge_agent import __version__, cli_certs, cli_discover, cli_fleet, cli_healthy, cli_models, cli_orders
from edge_agent.arguments import Config, Video, settings_of
from edge_agent.errors import HingewatchError, InputError
from edge_agent.process import keep_few_heaps, leave_nothing_behind, when_asked_to_stop

app = typer.Typer(
    name="edge-agent",
    help="Sees lifts on ordinary cameras and publishes anonymous posture-exposure events.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
config = typer.Typer(help="A site's settings file.", no_args_is_help=True)
app.add_typer(cli_models.app, name="models")
app.add_typer(cli_certs.app, name="certs")
app.add_typer(cli_orders.app, name="orders")
app.add_typer(config, name="config")
app.command("simulate-fleet")(cli_fleet.simulate_fleet)
app.command("healthy")(cli_healthy.healthy)
app.command("lifts")(cli_healthy.lifts)
app.command()(cli_discover.discover)


def main() -> None:
    """Run one command; say what failed in one line and what to do in another."""
    debug = "--debug" in sys.argv  # accepted anywhere on the line, where people type it
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    _configure_logging(debug)
    try:
        app(arguments, prog_name="edge-agent")
    except HingewatchError as error:
        _fail(error.what, error.fix, error if debug else None)
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 - the last line of defence: no traceback for people
        # not the message: it may quote a camera's address with its password
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        _fail(
            f"unexpected {type(error).__name__} at {place}",
            "run again with --debug",
            error if debug else None,
        )
        sys.exit(1)


def _fail(what: str, fix: str, error: Exception | None) -> None:
    if error is not None:
        traceback.print_exception(error)
    print(f"error: {what}", f"fix: {fix}", sep="\n", file=sys.stderr)


def _configure_logging(debug: bool) -> None:
    """Log to stderr, so that ``analyze --json -`` owns stdout: for people on a terminal, else as JSON."""
    import logging

    import structlog

    from edge_agent.log_lines import LossyLogger

    level = logging.DEBUG if debug else logging.INFO
    renderer = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # looked up anew for each line: a progress bar replaces stderr while it runs
        logger_factory=LossyLogger,
    )


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"edge-agent {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and debug logs.")] = False,
) -> None:
    del version, debug  # seen to by _show_version and main


@app.command()
def run(
    config: Config = None,
    demo: Annotated[bool, typer.Option("--demo", help="Embedded defaults and broker.")] = False,
    video: Annotated[
        str | None, typer.Option("--video", metavar="SRC", help="Demo: a file, an rtsp:// address or 0.")
    ] = None,
) -> None:
    """Watch the cameras of --config, or see it work at once with --demo."""
    leave_nothing_behind()
    keep_few_heaps()
    if demo == (config is not None):
        raise InputError("give either --config FILE or --demo", "start with: edge-agent run --demo")
    if demo:
        from edge_agent.demo import run_demo

        run_demo(video)
        return
    if video is not None:
        raise InputError("--video goes with --demo", "name the camera's source in the settings file")
    settings = settings_of(config, cameras=True)
    if not settings.cameras:
        raise InputError(f"{config} names no cameras", "add one, see configs/example.yaml")
    from edge_agent import service

    stop, received = when_asked_to_stop()
    service.run(settings, lambda: settings_of(config, cameras=True), stop)
    if signal.SIGINT in received:
        raise typer.Exit(130)


@app.command()
def analyze(
    video: Video,
    json: Annotated[Path | None, typer.Option("--json", metavar="OUT", help="Write JSON; - is stdout.")] = None,
    overlay: Annotated[
        Path | None, typer.Option("--video", metavar="OUT.mp4", help="Write the video with what was seen.")
    ] = None,
    report: Annotated[Path | None, typer.Option("--report", metavar="OUT.html", help="Write a report.")] = None,
    config: Config = None,
) -> None:
    """Judge every lift of one clip, offline."""
    leave_nothing_behind()
    from edge_agent.analyze import Outputs, analyze_file

    analyze_file(video, settings_of(config), Outputs(json=json, video=overlay, report=report))


@app.command()
def evaluate(
    labels: Annotated[
        Path, typer.Argument(metavar="LABELS", help="What happens in each clip (JSON).", show_default=False)
    ],
    clips_dir: Annotated[
        Path, typer.Argument(metavar="CLIPS_DIR", help="The folder of the clips.", show_default=False)
    ],
    json: Annotated[Path | None, typer.Option("--json", metavar="OUT", help="Write JSON; - is stdout.")] = None,
    report: Annotated[Path | None, typer.Option("--report", metavar="OUT.html", help="Write a report.")] = None,
    config: Config = None,
) -> None:
    """Compare what is told of labelled clips with what is true of them."""
    from edge_agent.analyze import Outputs
    from edge_agent.evaluate import evaluate_files

    evaluate_files(labels, clips_dir, settings_of(config), Outputs(json=json, report=report))


@app.command()
def bench(
    video: Video,
    json: Annotated[Path | None, typer.Option("--json", metavar="OUT", help="Write JSON; - is stdout.")] = None,
    report: Annotated[Path | None, typer.Option("--report", metavar="OUT.html", help="Write a report.")] = None,
    config: Config = None,
) -> None:
    """Measure what a clip costs this machine: CPU milliseconds by stage, beside the networks alone."""
    from edge_agent.bench import bench_file

    bench_file(video, settings_of(config), json, report)


@app.command()
def bridge(config: Config = None) -> None:
    """Turn the events on the MQTT broker into Prometheus counters."""
    leave_nothing_behind()
    from edge_agent import bridge as mqtt_to_prometheus

    settings = settings_of(config)
    mqtt_to_prometheus.run(settings.bridge, settings.mqtt)


@app.command()
def report(
    prometheus: Annotated[str, typer.Option("--prometheus", metavar="URL", help="Such as http://127.0.0.1:9090.")],
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="2026-11-23, or 2026-11-23T06:00.")],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="The moment after its last.")],
    out: Annotated[Path, typer.Option("--out", metavar="OUT.html", help="Write it, and OUT.csv beside it.")],
    config: Config = None,
) -> None:
    """Report a shift or a week: lifts by zone, against the time before, and how good the data is.

    --config: of that site only, in its time zone and against its target. Without: all sites, times in UTC.
    """
    from edge_agent.period_report import Wanted, write_period_report

    settings = settings_of(config)
    write_period_report(Wanted(prometheus, start, end, out), settings.bridge, settings.site if config else None)


@app.command()
def peek(
    camera: Annotated[str, typer.Argument(metavar="CAMERA", help="Its name in the settings.", show_default=False)],
    config: Config = None,
    minutes: Annotated[float, typer.Option("--minutes", min=0.1, max=60, help="Then it ends by itself.")] = 10,
) -> None:
    """Look through one camera while you aim it: small, faces blurred, on this machine only, logged."""
    leave_nothing_behind()
    from edge_agent import peek as through

    stop, _ = when_asked_to_stop()
    through.peek(settings_of(config, cameras=True), camera, minutes, stop, typer.echo)


@app.command()
def setup(
    config: Config = None,
    minutes: Annotated[float, typer.Option("--minutes", min=0.1, max=480, help="Then it ends by itself.")] = 60,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="On this machine only; 0: any free one.")
    ] = 9110,
) -> None:
    """Place the cameras and draw zones and masks, in a browser on this machine; people are shown as lines."""
    leave_nothing_behind()
    if config is None:
        raise InputError("no settings file is named", "give it: edge-agent setup --config site.yaml")
    import os

    from edge_agent.setup.run import setup as serve
    from edge_agent.setup.site_file import SiteFile

    stop, _ = when_asked_to_stop()
    serve(SiteFile(config, os.environ), port, minutes, stop, typer.echo)


@app.command()
def doctor(
    config: Config = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    watch: Annotated[
        float, typer.Option("--watch", metavar="SECONDS", min=0, max=3600, help="Also look through each camera.")
    ] = 0,
    prometheus: Annotated[
        str | None, typer.Option("--prometheus", metavar="URL", help="Also: does it read our pages?")
    ] = None,
) -> None:
    """Check everything the agent needs; each failure with its cure. Exit code 1 where anything fails."""
    leave_nothing_behind()
    from rich.console import Console
    from rich.progress import Progress

    from edge_agent.doctor import Asked, examine, show, show_json

    told = Console(stderr=True)
    with Progress(console=told, transient=True, disable=not told.is_terminal) as progress:
        findings = list(examine(settings_of(config, cameras=True), Asked(watch, prometheus), progress))
    if json:
        show_json(findings)
    else:
        show(findings, Console())
    if any(finding.failed for finding in findings):
        raise typer.Exit(1)


@config.command("check")
def config_check(file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False)]) -> None:
    """Say OK, or everything that is wrong with the file; and where its counts would tell about one person."""
    from edge_agent.anonymity import weaknesses
    from edge_agent.settings_file import SettingsError

    try:
        settings = settings_of(file, cameras=True)
    except SettingsError as error:
        for flaw in error.flaws:
            _fail(flaw.what, flaw.fix, None)
        raise typer.Exit(error.exit_code) from None
    for weakness in weaknesses(settings):
        print(f"warning: {weakness.what}", f"fix: {weakness.fix}", sep="\n", file=sys.stderr)
    names = ", ".join(camera.name for camera in settings.cameras) or "none"
    typer.echo(f"OK: site {settings.site}, agent {settings.agent}, cameras: {names}")
