"""Curves -> OpenMetrics text with times, for ``promtool tsdb create-blocks-from openmetrics``.

prometheus_client writes a page of now; of its formatting only the escaping would be left, and names and labels here
need none. So the lines are made here, a series at a time: tens of millions are written within minutes.
"""

from collections.abc import Iterable, Iterator
from itertools import compress

import numpy as np

from edge_agent.fleet.history import Curve, Family, Values

END = "# EOF\n"


def openmetrics(families: Iterable[Family], times_s: Iterable[int]) -> Iterator[str]:
    """The text in pieces, one for each series; times_s: (scrapes,) unix times of every curve's values."""
    stamps = [f" {time_s}\n" for time_s in times_s]
    for family in families:
        yield f"# HELP {family.name} {family.text}\n# TYPE {family.name} {family.kind}\n"
        for curve in family.curves:
            yield _lines(curve, stamps)
    yield END


def _lines(curve: Curve, stamps: list[str]) -> str:
    labels = ",".join(f'{name}="{value}"' for name, value in sorted(curve.labels.items()))
    head = f"{curve.name}{{{labels}}} "
    present = np.isfinite(curve.values)
    samples = zip(_numbers(curve.values[present]), compress(stamps, present), strict=True)
    return "".join([f"{head}{number}{stamp}" for number, stamp in samples])


def _numbers(values: Values) -> list[float]:
    """Whole numbers without a fraction: a third less to write and to read."""
    numbers: list[float] = (values.astype(np.int64) if (values == np.floor(values)).all() else values).tolist()
    return numbers
