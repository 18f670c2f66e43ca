"""Writes docs/configuration.md from the settings and docs/metrics.md from the metrics that the programs declare.

Usage: `.venv/bin/python -m scripts.docs.reference`. ``tests/test_docs_reference.py`` compares.
"""

from collections.abc import Callable, Mapping
from typing import Final

from scripts.docs.configuration import configuration
from scripts.docs.measured import ROOT
from scripts.docs.metrics import metrics

PAGES: Final[Mapping[str, Callable[[], str]]] = {"configuration.md": configuration, "metrics.md": metrics}
DOCS: Final = ROOT / "docs"


if __name__ == "__main__":
    for name, write in PAGES.items():
        (DOCS / name).write_text(write(), encoding="utf-8")
