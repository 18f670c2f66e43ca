"""What the page asks for, and what it may change: a Starlette application, which uvicorn serves on loopback.

Both are the field's for a small application with a session: five packages of pure Python, 4 MB. The metrics page has
a server of its own, because whoever dawdles must never keep a scrape out; here nobody is let in but the installer.
"""

import getpass
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, TypeVar

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from edge_agent.anonymity import weaknesses
from edge_agent.errors import InputError
from edge_agent.seldom import Seldom
from edge_agent.settings import Settings
from edge_agent.settings_file import FlawError, SettingsError
from edge_agent.setup.door import COOKIE, HOSTS, Door
from edge_agent.setup.floor import Floor
from edge_agent.setup.live import live_of
from edge_agent.setup.page import setup_page
from edge_agent.setup.site_file import ChangedMeanwhileError, SiteFile, Version
from edge_agent.setup.watch import Aims

MAX_BODY_BYTES: Final = 262_144
"""A hundred zones of two hundred corners are less."""

log = structlog.get_logger()

_Model = TypeVar("_Model", bound=BaseModel)


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Save(_Asked):
    version: str
    camera: str
    floor: Floor


class _Restore(_Asked):
    version: str


class _Show(_Asked):
    camera: str
    on: bool


class RefusedError(Exception):
    """Answered with this status and reason."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class SetupServer:
    """``until_s``: when the page ends, on ``clock``."""

    def __init__(
        self, file: SiteFile, aims: Aims, until_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.door = Door()
        self._file, self._aims, self._until_s, self._clock = file, aims, until_s, clock
        self._page = setup_page(list(aims.cameras), file.path, self.door.csrf)
        self._writing = threading.Lock()

    @property
    def app(self) -> ASGIApp:
        """All that can be asked."""
        inside = [
            Route("/", self._shown),
            Route("/site", self._site),
            Route("/live/{camera}", self._live),
            Route("/picture/{camera}.jpg", self._picture),
            Route("/show", self._show, methods=["POST"]),
            Route("/save", self._save, methods=["POST"]),
            Route("/restore", self._restore, methods=["POST"]),
        ]
        return Starlette(
            routes=[
                Route("/open/{ticket}", self._open),
                Route("/favicon.ico", lambda _: Response(status_code=HTTPStatus.NO_CONTENT)),
                Mount(self.door.folder.rstrip("/"), routes=inside),
            ],
            middleware=[
                Middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS), www_redirect=False),
                Middleware(_Guard, door=self.door),
            ],
            exception_handlers={RefusedError: _refused, InputError: _told_flaws},
        )

    def headers(self) -> list[tuple[str, str]]:
        """Sent with every answer."""
        return [
            ("Content-Security-Policy", f"{self._page.policy}; img-src 'self'"),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
        ]

    async def _open(self, request: Request) -> Response:
        if not self.door.enter(request.path_params["ticket"]):
            return PlainTextResponse(
                "Refused: this address works once. Start `edge-agent setup` again.\n", HTTPStatus.FORBIDDEN
            )
        log.warning("the setup page was opened", user=getpass.getuser())
        answer = RedirectResponse(self.door.folder, HTTPStatus.SEE_OTHER)
        answer.set_cookie(COOKIE, self.door.session, path=self.door.folder, httponly=True, samesite="strict")
        return answer

    def _shown(self, _request: Request) -> Response:
        return HTMLResponse(self._page.html)

    def _site(self, _request: Request) -> Response:
        version = self._file.read()
        self._aims.use(version.settings)
        return JSONResponse(self._told(version))

    def _live(self, request: Request) -> Response:
        name = self._known(request.path_params["camera"])
        return JSONResponse(live_of(self._aims, name) | {"left_s": max(self._until_s - self._clock(), 0.0)})

    def _picture(self, request: Request) -> Response:
        jpeg = self._aims.cameras[self._known(request.path_params["camera"])].shutter.jpeg
        return Response(jpeg, media_type="image/jpeg") if jpeg else Response(status_code=HTTPStatus.NO_CONTENT)

    async def _show(self, request: Request) -> Response:
        asked = await _body(request, _Show)
        shutter = self._aims.cameras[self._known(asked.camera)].shutter
        (shutter.open if asked.on else shutter.close)()
        return JSONResponse({"left_s": shutter.left_s})

    async def _save(self, request: Request) -> Response:
        asked = await _body(request, _Save)
        return await self._changed(lambda: self._file.save(asked.version, asked.camera, asked.floor), asked.camera)

    async def _restore(self, request: Request) -> Response:
        asked = await _body(request, _Restore)
        return await self._changed(lambda: self._file.restore(asked.version))

    async def _changed(self, change: Callable[[], Version], camera: str | None = None) -> Response:
        return await run_in_threadpool(self._change, change, camera)

    def _change(self, change: Callable[[], Version], camera: str | None) -> Response:
        with self._writing:
            try:
                version = change()
            except SettingsError as error:
                return _flawed(error, self._file.read().settings, camera)
            self._aims.use(version.settings)
            return JSONResponse(self._told(version))

    def _told(self, version: Version) -> Mapping[str, Any]:
        """What the page draws: the file's own zones and masks of the cameras that are watched."""
        previous = self._file.previous
        cameras = [
            camera.model_dump(mode="json", include={"name", "zones", "masks"})
            for camera in version.settings.cameras
            if camera.name in self._aims.cameras
        ]
        return {
            "version": version.digest,
            "cameras": cameras,
            "previous": previous and previous.name,
            "weaknesses": [f"{each.what}: {each.fix}" for each in weaknesses(version.settings)],
        }

    def _known(self, camera: str) -> str:
        if camera not in self._aims.cameras:
            raise RefusedError(HTTPStatus.NOT_FOUND, "no such camera")
        return camera


class _Guard:
    """Nobody gets further whom the door does not let in."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app, self._door, self._seldom = app, door, Seldom()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._door.refusal(Request(scope))
        if refusal is None:
            await self._app(scope, receive, send)
            return
        if times := self._seldom.times(refusal):
            log.warning("requests to the setup page were refused", reason=refusal, times=times)
        await PlainTextResponse(f"Refused: {refusal}\n", HTTPStatus.FORBIDDEN)(scope, receive, send)


async def _body(request: Request, model: type[_Model]) -> _Model:
    """Raises RefusedError where it is too large, not JSON, or not what the page sends."""
    if request.headers.get("content-type") != "application/json":
        raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "JSON is asked for")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too much was sent")
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"not what the page sends: {error.errors()[0]['msg']}") from error


def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return JSONResponse({"flaws": [{"place": [], "what": error.reason, "fix": "load this page again"}]}, error.status)


def _told_flaws(_request: Request, error: Exception) -> Response:
    assert isinstance(error, InputError)
    status = HTTPStatus.CONFLICT if isinstance(error, ChangedMeanwhileError) else HTTPStatus.UNPROCESSABLE_ENTITY
    return JSONResponse({"flaws": [{"place": [], "what": error.what, "fix": error.fix}]}, status)


def _flawed(error: SettingsError, settings: Settings, camera: str | None) -> Response:
    """Each flaw with its place within the camera's part of the file; none where it is elsewhere."""
    names = [each.name for each in settings.cameras]
    flaws = []
    for flaw in error.flaws:
        place, what = [], flaw.what
        if isinstance(flaw, FlawError) and camera in names and flaw.place[:2] == ("cameras", names.index(camera)):
            place, what = list(flaw.place[2:]), flaw.said
        flaws.append({"place": place, "what": what, "fix": flaw.fix})
    return JSONResponse({"flaws": flaws}, HTTPStatus.UNPROCESSABLE_ENTITY)
