"""Who may use the page: one browser that was given the printed address, and no other site's script in it."""

import secrets
from hmac import compare_digest
from typing import Final

from starlette.requests import Request

COOKIE: Final = "hingewatch_setup"
CSRF_HEADER: Final = "X-Setup"
HOSTS: Final = ("127.0.0.1", "localhost")
"""Names under which a browser reaches it, an SSH tunnel's included. Under any other, somebody's own name server has
sent the browser here (DNS rebinding)."""


class Door:
    """One run's secrets. ``ticket`` opens it once; ``folder`` is where the page then is.

    A cookie is sent to every port of 127.0.0.1, so to other programs of this machine too, but only below its path:
    the folder has a name of its own that they do not know.
    """

    def __init__(self) -> None:
        self.ticket: str | None = secrets.token_urlsafe(24)
        self.folder = f"/{secrets.token_urlsafe(9)}/"
        self.session = secrets.token_urlsafe(24)
        self.csrf = secrets.token_urlsafe(24)

    def enter(self, ticket: str) -> bool:
        """Whether the ticket is right, and not used yet; it is used up then."""
        if self.ticket is None or not _same(ticket, self.ticket):
            return False
        self.ticket = None
        return True

    def refusal(self, request: Request) -> str | None:
        """Why this request gets nothing; None where it may pass. Names of hosts were checked before."""
        if request.url.path.startswith("/open/") or request.url.path == "/favicon.ico":
            return None
        if not _same(request.cookies.get(COOKIE, ""), self.session):
            return "open the address that `edge-agent setup` printed; it works once, start it again for another"
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return "another site asks"
        if request.method in {"GET", "HEAD"}:
            return None
        if request.headers.get("origin") != f"http://{request.headers.get('host')}":
            return "another site asks"
        return None if _same(request.headers.get(CSRF_HEADER, ""), self.csrf) else "not asked by the page itself"


def _same(one: str, other: str) -> bool:
    return compare_digest(one.encode(), other.encode())
