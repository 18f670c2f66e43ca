"""A real Prometheus and promtool for tests: plain context managers, no fakes.

It listens on loopback, on a port that was free, and keeps its files in the directory it is given.
"""

import json
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.services import answers, free_port, program, wait_for


class Prometheus:
    """A running Prometheus; ``query`` asks its HTTP API."""

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples of an instant vector: ``[{"metric": {...}, "value": [time, "text"]}]``."""
        with urllib.request.urlopen(
            f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
        ) as reply:
            answer = json.load(reply)
        samples: list[dict[str, Any]] = answer["data"]["result"]
        return samples

    def value(self, expression: str) -> float | None:
        """The only sample's value; None when there is no sample."""
        samples = self.query(expression)
        return float(samples[0]["value"][1]) if samples else None


@contextmanager
def prometheus(
    directory: Path,
    *scrape_ports: int,
    interval: str = "1s",
    rule_files: Sequence[Path] = (),
    alerts_port: int | None = None,
    retention: str = "15d",
    scrape_configs: Sequence[dict[str, Any]] = (),
    receives: bool = False,
) -> Iterator[Prometheus]:
    """Run Prometheus against ``/metrics`` pages on loopback until the block ends.

    alerts_port: of an Alertmanager. What lies in ``directory``/tsdb already is kept for ``retention``.
    scrape_configs: jobs besides. receives: takes what others send it by remote write.
    """
    targets = ", ".join(f"'127.0.0.1:{scrape_port}'" for scrape_port in scrape_ports)
    receivers = [{"static_configs": [{"targets": [f"127.0.0.1:{alerts_port}"]}]}] if alerts_port else []
    config = directory / "prometheus.yml"
    config.write_text(
        f"global: {{scrape_interval: {interval}, scrape_timeout: {interval}, evaluation_interval: {interval}}}\n"
        f"rule_files: {json.dumps([str(path) for path in rule_files])}\n"
        f"alerting: {{alertmanagers: {json.dumps(receivers)}}}\n"
        "scrape_configs:\n"
        f"  - {{job_name: hingewatch, static_configs: [{{targets: [{targets}]}}]}}\n"
        + "".join(f"  - {json.dumps(job)}\n" for job in scrape_configs)
    )
    options = [f"--storage.tsdb.path={directory / 'tsdb'}", f"--storage.tsdb.retention.time={retention}"]
    options += ["--web.enable-remote-write-receiver"] if receives else []
    with running_prometheus(config, *options) as url:
        yield Prometheus(url)


@contextmanager
def running_prometheus(config: Path, *options: str, patience_s: float = 60) -> Iterator[str]:
    """Prometheus with these settings and options, on a port of its own, until the block ends. Yields its address."""
    url = f"http://127.0.0.1:{free_port()}"
    command = [
        program("prometheus"),
        f"--config.file={config}",
        f"--web.listen-address={url.removeprefix('http://')}",
    ]
    process = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for("prometheus", lambda: answers(f"{url}/-/ready"), patience_s)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def lint_metrics(text: str) -> str:
    """What ``promtool check metrics`` has to say; empty when the page is clean."""
    done = subprocess.run(
        [program("promtool"), "check", "metrics"], input=text, text=True, capture_output=True, check=False
    )
    return done.stdout + done.stderr
