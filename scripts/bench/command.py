"""How a benchmark's program ends: with its time, or with an error and its cure."""

import sys
import time
from collections.abc import Callable

from edge_agent.errors import HingewatchError


def ended(main: Callable[[], None]) -> int:
    """Run it. Its exit code; 0 done."""
    begin_s = time.monotonic()
    try:
        main()
    except HingewatchError as error:
        print(f"error: {error.what}", f"fix: {error.fix}", sep="\n", file=sys.stderr)
        return error.exit_code
    print(f"done in {(time.monotonic() - begin_s) / 60:.1f} min", file=sys.stderr)
    return 0
