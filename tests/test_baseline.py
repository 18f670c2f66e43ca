"""A site says when it changed something, in one line, and before and after stand side by side from then on."""

import json
import subprocess
from pathlib import Path

from tests.services import program

RULES = Path(__file__).parents[1] / "grafana" / "rules"
MOMENT = "1790000000"
QUARTER_S = 900


def told(name: str) -> str:
    return f'site_zone:ergo_lifts_{name}{{site="leeds",zone="line"}}'


def played(directory: Path, targets: str, expected: dict[str, float]) -> str:
    """What promtool finds wrong; a day of 4 told lifts a quarter, of them 2 risky, in its second half 1."""
    (directory / "targets.yml").write_text(targets)
    expectations = [
        {
            "expr": f"site_zone:ergo_lifts_{name}:baseline28d",
            "eval_time": "24h",
            "exp_samples": [{"labels": told(f"{name}:baseline28d"), "value": expected[name]}] if expected else [],
        }
        for name in ("told", "risky")
    ]
    # sum28d as history.yml records it, so that this test needs no order between the groups
    sums = {"told": "0+4x96", "risky": "0+2x48 97+1x47"}
    series = [{"series": told(f"{name}:sum28d"), "values": values} for name, values in sums.items()]
    test = {"interval": "15m", "input_series": series, "promql_expr_test": expectations}
    play = {"rule_files": ["targets.yml"], "evaluation_interval": "15m", "tests": [test]}
    (directory / "baseline.test.yml").write_text(json.dumps(play))
    command = [program("promtool"), "test", "rules", "baseline.test.yml"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_there_is_no_baseline_until_the_site_says_when(tmp_path: Path) -> None:
    assert played(tmp_path, (RULES / "targets.yml").read_text(), {}) == ""


def test_one_line_taken_out_of_its_comment_with_a_moment_is_a_baseline(tmp_path: Path) -> None:
    lines = (RULES / "targets.yml").read_text().splitlines()
    (number,) = [number for number, line in enumerate(lines) if line.strip().startswith("# - {record")]
    assert lines[number].count(MOMENT) == 1
    lines[number] = lines[number].replace("# - {", "- {").replace(MOMENT, str(48 * QUARTER_S))
    assert played(tmp_path, "\n".join(lines) + "\n", {"told": 4 * 48, "risky": 2 * 48}) == ""
