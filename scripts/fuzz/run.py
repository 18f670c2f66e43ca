"""Fuzz every parser and write what came of it: python -m scripts.fuzz.run build/fuzz.json."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

# Parsing YAML takes a hundred times as long as JSON.
SHARES = {
    "lift": 0.5,
    "health": 0.3,
    "topic": 0.1,
    "settings": 0.01,
    "manifest": 0.01,
    "envelope": 0.04,
    "order": 0.04,
}
SEED = 20261127
SEEDS = {"settings": Path("configs/example.yaml"), "manifest": Path("models/pose-detector/model.yml")}
LIFT = (
    '{"schema":"hingewatch.lift/1","event_id":"01234567-89ab-4cde-8f01-23456789abcd","site":"north","zone":"dock-1",'
    '"bucket_start":"2026-11-24T12:00:00Z","technique":"rounded_back","risk":"high","trunk_inclination_band":"60-90",'
    '"spine_flexion_band":"40+","knee_flexion_band":"0-30","confidence_band":"high","view":"oblique","model":"m-1"}'
)
TEXT_SEEDS = {"lift": LIFT, "health": '{"zones":["dock-1"],"at_unix_s":1}', "topic": "ergo/v1/north/dock-1/lift"}
TEXT_SEEDS |= {
    "envelope": '{"schema":"hingewatch.settings/1","order":"{}","signature":"AAAA"}',
    "order": '{"site":"north","agent":"box-1","number":7,"canary":"dock","lifts":30,"changes":{"technique":'
    '{"rounded_deg":35},"pose":{"landmarker":"lite"},"cameras":{"dock":{"rate_hz":12,"masks":[[[0,0],[1,0],[1,1]]]}}}}',
}


def fuzz(name: str, cases: int, scratch: Path) -> dict[str, Any]:
    """Run one target in a process of its own; memory over 2 GB or 10 s for one case counts as a crash."""
    corpus = scratch / name
    corpus.mkdir()
    (corpus / "seed").write_text(SEEDS[name].read_text() if name in SEEDS else TEXT_SEEDS[name])
    options = [f"-runs={cases}", f"-seed={SEED}", "-max_len=4200", "-rss_limit_mb=2048", "-timeout=10"]
    command = [
        sys.executable,
        "-m",
        "scripts.fuzz.target",
        name,
        *options,
        f"-artifact_prefix={scratch}/",
        str(corpus),
    ]
    began_s = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)  # noqa: S603
    said = done.stdout.decode(errors="replace")
    ran = [int(found) for found in re.findall(r"^(?:#|Done )(\d+)", said, re.MULTILINE)]
    covered = [int(found) for found in re.findall(r"cov: (\d+)", said)]
    if done.returncode:
        print(said[-3000:], file=sys.stderr)
    return {
        "target": name, "cases": max(ran, default=0), "seconds": round(time.monotonic() - began_s, 1),
        "coverage": max(covered, default=0), "crashes": int(done.returncode != 0),
    }  # fmt: skip


def main(output: Path) -> int:
    """Exit 1 where any target crashed."""
    total = int(os.environ.get("FUZZ_CASES") or 1_010_000)
    table = Table("target", "cases", "seconds", "coverage", "crashes")
    results = []
    with tempfile.TemporaryDirectory() as scratch:
        for name, share in SHARES.items():
            print(f"fuzzing {name}", file=sys.stderr, flush=True)
            results.append(fuzz(name, round(total * share), Path(scratch)))
            table.add_row(*map(str, results[-1].values()))
    Console().print(table)
    crashes = sum(each["crashes"] for each in results)
    cases = sum(each["cases"] for each in results)
    output.write_text(json.dumps({"seed": SEED, "cases": cases, "crashes": crashes, "targets": results}, indent=1))
    return int(crashes > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
