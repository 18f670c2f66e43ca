"""What is let through of that which a device says of itself: anything on the network may answer.

A stream's address ends up in a settings file, where ``${NAME}`` is replaced, and a password is sent to it. So it must
be at the device that was asked, and of harmless signs.
"""

import re
import unicodedata
from typing import Final
from urllib.parse import SplitResult, urlsplit

LONGEST_NAME: Final = 64
LONGEST_URL: Final = 512
_URL: Final = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!&'()*+,;=%-]+")
"""RFC 3986's, without the $ that settings replace."""
_LARGEST_PX, _HIGHEST_FPS = 16_384, 240


def plain(text: str | None) -> str:
    """Fit for a terminal: one line, without control, format and other unseen characters, and not long."""
    kept = (" " if unicodedata.category(sign)[0] in "ZC" else sign for sign in (text or "")[: 4 * LONGEST_NAME])
    return " ".join("".join(kept).split())[:LONGEST_NAME]


def device_url(text: str, host: str) -> str | None:
    """The address of one of a device's services; None unless it is one, at ``host``."""
    parts = _split(text, {"http", "https"}, host)
    return None if parts is None else text


def stream_url(text: str, host: str) -> str | None:
    """The address of a stream, without user and password; None unless it is one, at ``host``."""
    parts = _split(text, {"rtsp", "rtsps"}, host)
    if parts is None:
        return None
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _split(text: str, schemes: set[str], host: str) -> SplitResult | None:
    if len(text) > LONGEST_URL or not _URL.fullmatch(text):
        return None
    try:
        parts = urlsplit(text)
        sound = parts.scheme in schemes and parts.hostname == host and parts.port != 0
    except ValueError:
        return None
    return parts if sound else None


def pixels(text: str | None) -> int:
    """One side of a picture; 0 where it is not told."""
    number = _number(text)
    return int(number) if 0 < number <= _LARGEST_PX else 0


def frames_per_second(text: str | None) -> float:
    """0 where it is not told."""
    number = _number(text)
    return number if 0 < number <= _HIGHEST_FPS else 0.0


def _number(text: str | None) -> float:
    found = re.fullmatch(r"\d{1,5}(\.\d{1,3})?", text or "", re.ASCII)
    return float(found[0]) if found else 0.0


def slug(name: str) -> str:
    """A camera's name as the settings take it; "" where nothing is left."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-")
