"""``edge-agent simulate-fleet``: made-up sites, for history, demos and load."""

import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_agent.arguments import Config, settings_of
from edge_agent.errors import InputError

if TYPE_CHECKING:
    from edge_agent.fleet.layout import Fleet, FleetSize
    from edge_agent.settings import MqttSettings, Settings

DAY_S = 86_400
HISTORY_STEP_S = 300
"""The longest that Prometheus still joins: it looks back five minutes. 100 zones for 90 days are 4 GB of text."""

Size = Annotated[str, typer.Option("--size", metavar="SITESxZONESxAGENTS", help="Zones and agents of each site.")]
Days = Annotated[
    float, typer.Option("--days", min=0.1, max=730, help="How long the history is, or ago --speed-up begins.")
]
SpeedUp = Annotated[
    float, typer.Option("--speed-up", min=1, max=100_000, help="Begin --days ago and catch up with now this fast.")
]
Rate = Annotated[
    float | None,
    typer.Option("--rate", metavar="HZ", min=0.1, help="Load: so many events a second, whatever the hour."),
]
History = Annotated[
    Path | None,
    typer.Option("--history", metavar="FILE", help="Write OpenMetrics for promtool; no broker is needed."),
]
Certs = Annotated[
    Path | None,
    typer.Option(
        "--certs", metavar="FOLDER", help="Play the site and agents of `certs init`, each with its own key."
    ),
]
Minutes = Annotated[float | None, typer.Option("--minutes", min=0.01, help="Then it ends; else at Ctrl-C.")]


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for."""

    size: str
    seed: int
    days: float
    speed_up: float
    certs: Path | None
    minutes: float | None


def simulate_fleet(  # noqa: PLR0913, PLR0917 - typer takes each option as a parameter
    config: Config = None,
    size: Size = "2x6x2",
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same fleet and lifts.")] = 7,
    days: Days = 28,
    speed_up: SpeedUp = 1,
    rate: Rate = None,
    history: History = None,
    certs: Certs = None,
    minutes: Minutes = None,
) -> None:
    """Play sites that lift as real ones do, and publish their events to the broker of --config.

    \b
    Alone: agents at work now, shifts and breaks in UTC.
    --days 28 --speed-up 2000: the last four weeks in 20 minutes, then live.
    --rate 5000 --minutes 1: load; docs/fleet.md has figures.
    --days 90 --history fleet.om: a file for promtool.

    Every event says model simulated-1. Do not point it at the broker of a real site: its counts would be made up.
    """
    if history is not None and (rate is not None or speed_up > 1 or certs is not None):
        raise InputError("--history writes a file and publishes nothing", "drop --rate, --speed-up and --certs")
    if rate is not None and (speed_up > 1 or certs is not None):
        raise InputError("--rate goes with neither --speed-up nor --certs", "drop them; mqtt.cert_file may be given")
    options = Options(size, seed, days, speed_up, certs, minutes)
    settings = settings_of(config)
    fleet = _fleet(options)
    if history is not None:
        _write_history(fleet, options, settings, history)
    elif rate is not None:
        _load(fleet, options, settings, rate)
    else:
        _live(fleet, options, settings)


def _fleet(options: Options) -> "Fleet":
    from edge_agent.fleet.layout import draw_fleet

    return draw_fleet(options.seed, _size(options), time.time() - options.days * DAY_S / 2)


def _size(options: Options) -> "FleetSize":
    from edge_agent.fleet.layout import FleetSize
    from edge_agent.intake import MAX_ZONES_PER_AGENT

    match = re.fullmatch(r"(\d+)x(\d+)x(\d+)", options.size)
    sites, zones, agents = (int(number) for number in match.groups()) if match else (0, 0, 0)
    if options.certs is not None:
        from edge_agent.site_certificates import SiteCertificates

        known = SiteCertificates(options.certs)
        names = tuple(known.agents)
        found = FleetSize(1, zones, len(names), (known.site,), names)
    else:
        found = FleetSize(sites, zones, agents)
    if min(found.sites, found.zones_per_site, found.agents_per_site) < 1:
        raise InputError(f"--size {options.size} is no fleet", "write for example --size 2x6x2: sites, zones, agents")
    if found.zones_per_site > MAX_ZONES_PER_AGENT * found.agents_per_site:
        raise InputError(
            f"an agent names {MAX_ZONES_PER_AGENT} zones at most", "give --size more agents, or fewer zones"
        )
    return found


def _write_history(fleet: "Fleet", options: Options, settings: "Settings", path: Path) -> None:
    from edge_agent.fleet.history import Scrapes, bridge_history
    from edge_agent.fleet.openmetrics import openmetrics
    from edge_agent.fleet.work import Span
    from edge_agent.output import check_writable

    check_writable([path])
    bucket_s = settings.privacy.bucket_s
    end_s = int(time.time()) // bucket_s * bucket_s
    first_s = end_s - round(options.days * DAY_S / bucket_s) * bucket_s
    scrapes = Scrapes(Span(first_s, end_s, bucket_s), HISTORY_STEP_S, min_lifts=settings.privacy.min_lifts)
    series = 12 * len(fleet.zones)
    with ExitStack() as stack:
        advance = stack.enter_context(_bar(path.name, series))
        file = stack.enter_context(path.open("w"))
        for piece in openmetrics(bridge_history(fleet, scrapes), scrapes.times_s.tolist()):
            file.write(piece)
            advance(1, "")
    typer.echo(
        f"wrote {path}: {options.days:g} days of {len(fleet.zones)} zones, as the bridge's page would have shown"
    )
    typer.echo(f"  promtool tsdb create-blocks-from openmetrics {path} /var/lib/prometheus/metrics2")
    typer.echo("Prometheus keeps 15 days unless started with --storage.tsdb.retention.time")


def _load(fleet: "Fleet", options: Options, settings: "Settings", rate_hz: float) -> None:
    from edge_agent.fleet.load import Load

    stop, seconds = _until(options.minutes), 60 * (options.minutes or 60 * 24 * 365)
    with Load(settings.mqtt, fleet) as load, _bar("events", rate_hz * seconds) as advance:
        load.introduce(time.time())
        sent = load.run(rate_hz, seconds, stop, lambda count: advance(count, ""))
    pace = sent.acknowledged / sent.seconds
    typer.echo(f"{sent.acknowledged} events in {sent.seconds:.1f} s: {pace:.0f} a second, of {rate_hz:g} asked for")
    if sent.refused:
        raise InputError(
            f"the broker refused or threw away {sent.refused} events",
            "start the bridge first, for nobody was there to hear them; or look at the broker's access list",
        )


def _live(fleet: "Fleet", options: Options, settings: "Settings") -> None:
    from edge_agent.fleet.simulate import Clock, Plan, simulate

    now_s = time.time()
    ago_s = options.days * DAY_S if options.speed_up > 1 else 0.0
    clock = Clock(now_s - ago_s, now_s, options.speed_up)
    stop, seen = _until(options.minutes), 0
    total_s = max(ago_s, float(settings.privacy.bucket_s))
    with tempfile.TemporaryDirectory(prefix="hingewatch-fleet-") as folder, _bar("", total_s) as advance:

        def lived_through(ended_s: int, lifts: int) -> None:
            nonlocal seen
            seen += lifts
            advance(settings.privacy.bucket_s, f"{datetime.fromtimestamp(ended_s, UTC):%a %d %b %H:%M} {seen} lifts")

        broker = _credentials(options, settings)
        simulate(Plan(fleet, broker, Path(folder), settings.privacy, clock), stop, lived_through)
    typer.echo(f"{seen} lifts seen; those of pools that were not full yet went with their outboxes")


def _credentials(options: Options, settings: "Settings") -> Callable[[str, str], "MqttSettings"]:
    def broker(_site: str, agent: str) -> "MqttSettings":
        if options.certs is None:
            return settings.mqtt
        folder = options.certs
        own = {
            "ca_file": folder / "ca.pem",
            "cert_file": folder / "agents" / f"{agent}.pem",
            "key_file": folder / "agents" / f"{agent}.key",
        }
        known = settings.mqtt.model_dump(exclude_unset=True)
        return type(settings.mqtt).model_validate(known | own).model_copy(update={"password": settings.mqtt.password})

    return broker


@contextmanager
def _bar(name: str, total: float) -> Iterator[Callable[[float, str], None]]:
    """Advance by so much, and say something new unless it is empty."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%")
    console = Console(stderr=True)
    quiet = not console.is_terminal
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=quiet) as bar:
        task = bar.add_task(name, total=total)

        def advance(by: float, text: str) -> None:
            bar.update(task, advance=by, description=text or name)

        yield advance


def _until(minutes: float | None) -> threading.Event:
    """Set by SIGINT, SIGTERM or when the time is up."""
    from edge_agent.process import when_asked_to_stop

    stop, _ = when_asked_to_stop()
    if minutes is not None:
        timer = threading.Timer(60 * minutes, stop.set)
        timer.daemon = True
        timer.start()
    return stop
