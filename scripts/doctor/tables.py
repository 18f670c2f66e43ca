"""Write the two tables of docs/doctor.md: `.venv/bin/python -m scripts.doctor.tables`.

Needs `make setup-test`. They are what the doctor prints of the two deployments of tests/deployments.py, whose broker,
camera, agent, bridge and Prometheus are real; what hardware the box has and whether its clock is kept is made up, so
that the tables are the same on every machine. ``tests/test_doctor.py`` compares them, figures left out.
"""

import contextlib
import re
import tempfile
from pathlib import Path
from typing import Final

from tests.deployments import broken, healthy, printed

DOCUMENT: Final = Path(__file__).parents[2] / "docs/doctor.md"
DEPLOYMENTS: Final = {"healthy": healthy, "broken": broken}


def block(name: str) -> re.Pattern[str]:
    """Where in the document a deployment's table stands."""
    return re.compile(rf"(?<=<!-- {name} -->\n\n```text\n).*?(?=```)", re.DOTALL)


def table(name: str) -> str:
    """What the doctor prints of this deployment."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), DEPLOYMENTS[name]() as deployment:
        return printed(deployment.findings())


if __name__ == "__main__":
    text = DOCUMENT.read_text(encoding="utf-8")
    for deployment in DEPLOYMENTS:
        shown = table(deployment)
        text = block(deployment).sub(lambda _, shown=shown: shown, text, count=1)
    DOCUMENT.write_text(text, encoding="utf-8")
