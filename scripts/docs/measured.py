"""Numbers that the pictures show, read where they stand, so that no picture tells another number than the page."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_ROW = re.compile(r"^\| (\d+)–(\d+)° \| (\d+) \| (\d+) \| (\d+) \|", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Told:
    """Held-out simulated lifts seen from between two angles off the side."""

    angles_deg: tuple[int, int]
    lifts: int
    told: int
    right: int


def told_by_view() -> list[Told]:
    """From the spine model's own figures, ``models/spine/README.md``."""
    rows = [tuple(map(int, row)) for row in _ROW.findall(_read("models/spine/README.md"))]
    return [Told((low, high), lifts, told, right) for low, high, lifts, told, right in rows]


def said(document: str, words: str) -> str:
    """``words``, which must stand in the document. Raises LookupError where they no longer do."""
    if words not in " ".join(_read(document).split()):
        raise LookupError(f"{document} no longer says {words!r}: change the picture that says so too")
    return words


def _read(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")
