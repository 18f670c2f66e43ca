"""A log that cannot be written does not break what it tells about."""

import io
import sys
from pathlib import Path

import pytest

from edge_agent.log_lines import LossyLogger


def test_a_line_that_the_disk_does_not_take_is_lost_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        stream = io.TextIOWrapper(full, write_through=True)
        with pytest.raises(OSError, match="No space"):
            stream.write("this is what it would have been")
        monkeypatch.setattr(sys, "stderr", stream)
        for tell in (LossyLogger().warning, LossyLogger().error, LossyLogger().info):
            tell("the disk is full")
        stream.detach()


def test_a_line_that_can_be_written_is(capsys: pytest.CaptureFixture[str]) -> None:
    LossyLogger().error("broker connected")
    assert capsys.readouterr().err == "broker connected\n"
