"""Every error that a person can cause or cure.

HingewatchError            what happened, and ``fix``: what to do about it
├── InputError             the command, file or setting given is wrong        (exit code 2)
└── RunError               something outside failed while running              (exit code 1)
"""


class HingewatchError(Exception):
    """``what`` went wrong in one line and the ``fix`` in one line; the command line prints both."""

    exit_code = 1

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


class InputError(HingewatchError):
    """The command, file or setting given is wrong: nothing was started."""

    exit_code = 2


class RunError(HingewatchError):
    """Something outside the program failed while it ran."""
