"""Break the way from lift to counter in every way we know, and count. `make chaos` runs it.

Usage: python -m scripts.chaos.run [--faults 1000] [--chains 4] [--seed S] [--json build/chaos.json]
Each fault alone first, then random mixtures. Exit code 0: nothing lost, nothing counted twice. 1: something was,
or a chain did not recover.
"""

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from scripts.chaos.cameras import torment_camera
from scripts.chaos.chain import Account, Chain
from scripts.chaos.faults import EVERYWHERE, ON_OWN_DISK, WITH_TLS, Fault, possible

SCHEMA: Final = "hingewatch.chaos/1"
MIXTURE: Final = 6
"""Faults at random moments, one upon the other, before all that was recorded must be counted."""
ALL: Final = EVERYWHERE + ON_OWN_DISK + WITH_TLS


@dataclass(slots=True)
class Tally:
    """What was done and how long the way took to recover; filled by all chains. traces: of those that did not."""

    traces: Path
    injected: dict[str, int] = field(default_factory=lambda: dict.fromkeys((fault.__name__ for fault in ALL), 0))
    alone_s: dict[str, list[float]] = field(default_factory=lambda: {fault.__name__: [] for fault in ALL})
    mixed_s: list[float] = field(default_factory=list)
    accounts: list[tuple[str, Account]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def faults(self) -> int:
        """How many were done so far."""
        return sum(self.injected.values())


def main() -> None:
    """Run, show, write."""
    parser = argparse.ArgumentParser(
        prog="chaos", description="Nothing lost, nothing counted twice: try to break it."
    )
    parser.add_argument("--faults", type=int, default=1000, help="how many in all")
    parser.add_argument("--chains", type=int, default=4, help="brokers, agents and bridges side by side")
    parser.add_argument("--camera-faults", type=int, default=3, help="of each kind; 0: leave the cameras alone")
    parser.add_argument("--seed", type=int, default=None, help="repeat the random choices of an earlier run")
    parser.add_argument("--json", type=Path, default=Path("build/chaos.json"))
    asked = parser.parse_args()
    seed = random.SystemRandom().randrange(10**9) if asked.seed is None else asked.seed
    print(f"seed {seed}", file=sys.stderr)
    tally = wreak(asked.faults, asked.chains, seed, asked.json.parent / "chaos-traces")
    figures = summary(tally, seed)
    if asked.camera_faults:
        figures["cameras"] = cameras(asked.camera_faults, seed)
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    asked.json.write_text(json.dumps(figures, indent=2) + "\n")
    show(tally, figures)
    sys.exit(0 if sound(figures) else 1)


def wreak(faults: int, chains: int, seed: int, traces: Path) -> Tally:
    """Do so many faults to so many chains; every other chain speaks TLS. traces: a folder, made where needed."""
    tally = Tally(traces)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with tempfile.TemporaryDirectory() as name, Progress(*columns, console=console) as bar:
        task = bar.add_task("faults", total=faults)
        with ThreadPoolExecutor(chains) as pool:
            shares = [faults // chains + (number < faults % chains) for number in range(chains)]
            runs = [
                pool.submit(_run_chain, Path(name) / str(number), share, seed + number, tally)
                for number, share in enumerate(shares)
            ]
            while not all(run.done() for run in runs):
                bar.update(task, completed=tally.faults)
                time.sleep(0.5)
            bar.update(task, completed=tally.faults)
    return tally


def _run_chain(directory: Path, faults: int, seed: int, tally: Tally) -> None:
    chance = random.Random(seed)
    try:
        with Chain(directory, tls=seed % 2 == 1, seed=seed) as chain:
            try:
                _torment(chain, faults, chance, tally)
            except Exception:
                chain.leave_traces(tally.traces / str(seed))
                raise
            finally:
                account = chain.finish()
                if account.lost or account.duplicated or account.ghosts:
                    chain.leave_traces(tally.traces / str(seed))
                with tally.lock:
                    tally.accounts.append((str(seed), account))
    except Exception as error:  # noqa: BLE001 - a chain that does not recover is a result, and others go on
        print(f"chain with seed {seed}: {error!r}", file=sys.stderr, flush=True)
        with tally.lock:
            tally.failures.append(f"chain with seed {seed}: {error!r}; its files are in {tally.traces / str(seed)}")


def _torment(chain: Chain, faults: int, chance: random.Random, tally: Tally) -> None:
    choice = possible(chain)
    chain.catch_up()
    alone = list(choice)[: max(0, faults - MIXTURE)]
    chance.shuffle(alone)
    for fault in alone:
        _do(fault, chain, chance, tally)
        recovery_s = chain.catch_up()
        with tally.lock:
            tally.alone_s[fault.__name__].append(recovery_s)
    left = faults - len(alone)
    while left:
        for _ in range(min(left, MIXTURE)):
            _do(chance.choice(choice), chain, chance, tally)
            time.sleep(chance.uniform(0.0, 0.5))
            left -= 1
        recovery_s = chain.catch_up()
        with tally.lock:
            tally.mixed_s.append(recovery_s)


def _do(fault: Fault, chain: Chain, chance: random.Random, tally: Tally) -> None:
    try:
        chain.supervise()
        fault(chain, chance)
    except Exception as error:
        raise RuntimeError(f"during {fault.__name__}: {error!r}") from error
    with tally.lock:
        tally.injected[fault.__name__] += 1


def summary(tally: Tally, seed: int) -> dict[str, Any]:
    """The JSON: the totals first."""
    accounts = [account for _, account in tally.accounts]
    totals = {key: sum(getattr(account, key) for account in accounts) for key in Account.__slots__}
    return {
        "schema": SCHEMA,
        "faults": tally.faults,
        **totals,
        "seed": seed,
        "failures": tally.failures,
        "recovery_s": _spread(tally.mixed_s),
        "by_fault": {
            name: {"times": times, "recovery_s": _spread(tally.alone_s[name])}
            for name, times in tally.injected.items()
        },
        "by_chain": {name: asdict(account) for name, account in tally.accounts},
    }


def cameras(times: int, seed: int) -> dict[str, Any]:
    """How soon a camera is back, the other camera's longest gap, and what of it took too long."""
    recovery = torment_camera(times, seed)
    return {
        "recovery_s": {name: _spread(seconds) for name, seconds in recovery.by_fault.items()},
        "times": times * len(recovery.by_fault),
        "other_camera_longest_gap_s": round(recovery.longest_gap_s, 2),
        "late": recovery.late,
    }


def sound(figures: dict[str, Any]) -> bool:
    """Nothing lost, nothing twice, nothing invented, and every chain came back."""
    wrong = [figures[key] for key in ("lost", "duplicated", "ghosts", "failures")]
    return not any(wrong) and not figures.get("cameras", {}).get("late")


def _spread(seconds: list[float]) -> dict[str, float] | None:
    return {"median": round(median(seconds), 1), "max": round(max(seconds), 1)} if seconds else None


def show(tally: Tally, figures: dict[str, Any]) -> None:
    """The table; a fault that could not be done here says so."""
    title = f"{figures['faults']} faults, seed {figures['seed']}"
    table = Table("fault", "times", "recovery alone, median s", "max s", title=title)
    for name, seen in figures["by_fault"].items():
        spread = seen["recovery_s"] or {"median": "", "max": ""}
        times = str(seen["times"]) if seen["times"] else "not possible here, or not drawn"
        table.add_row(name.replace("_", " "), times, str(spread["median"]), str(spread["max"]))
    mixed = figures["recovery_s"] or {"median": "", "max": ""}
    table.add_row(f"mixtures of {MIXTURE}", str(len(tally.mixed_s)), str(mixed["median"]), str(mixed["max"]))
    for name, spread in figures.get("cameras", {}).get("recovery_s", {}).items():
        table.add_row(f"camera {name}".replace("_", " "), "", str(spread["median"]), str(spread["max"]))
    console = Console()
    console.print(table)
    if "cameras" in figures:
        seen = figures["cameras"]
        console.print(
            f"other camera's longest gap {seen['other_camera_longest_gap_s']} s; late: {seen['late'] or 'none'}"
        )
    console.print(" · ".join(f"{key} {figures[key]}" for key in Account.__slots__))
    for failure in figures["failures"]:
        console.print(f"[red]{failure}[/]")


if __name__ == "__main__":
    main()
