"""Debian's Chromium, driven by playwright; it reaches nothing but the pages we serve."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, expect, sync_playwright

from tests.services import program

SIZES = {"phone": (390, 844), "laptop": (1366, 768), "wall": (2560, 1440)}
"""CSS pixels: a common phone, a small laptop, a wall screen seen from across the hall."""

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@contextmanager
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=20_000)  # a busy machine must not fail a test
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program("chromium"), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()
