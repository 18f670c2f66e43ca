"""Asking one device which streams it has: date, maker, profiles, and an address for each."""

import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from html import escape
from http.client import HTTPException, HTTPResponse
from typing import Final
from xml.etree.ElementTree import Element

from edge_agent.onvif.checked import device_url, frames_per_second, pixels, plain, stream_url
from edge_agent.onvif.discovery import Answer
from edge_agent.onvif.soap import NAMESPACES, OnvifError, envelope, parse, text, texts, username_token

TIMEOUT_S: Final = 4.0
"""For one answer, and for each of its parts."""
MOST_BYTES: Final = 512 * 1024
MOST_PROFILES: Final = 8
_PASSWORD_FIX: Final = "give --user NAME, and its password in HINGEWATCH_ONVIF_PASSWORD or at the prompt"  # noqa: S105
_TRUST_FIX: Final = "let it answer ONVIF over HTTP too, or ask for its port: --address HOST:PORT"
_SILENT_FIX: Final = "check that ONVIF is switched on in its settings, and no firewall is between"


@dataclass(frozen=True, slots=True)
class Login:
    """Of a user whom the cameras know."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Stream:
    """One address; 0 and "" where the camera does not say."""

    url: str
    codec: str
    width: int
    height: int
    fps: float


@dataclass(frozen=True, slots=True)
class FoundCamera:
    """``problem`` and ``fix`` say why it has no streams, or not all."""

    name: str
    model: str
    address: str
    streams: tuple[Stream, ...] = ()
    problem: str = ""
    fix: str = ""


class RefusedError(OnvifError):
    """It wants to know who asks, or does not know who does."""


def ask(answer: Answer, login: Login | None) -> FoundCamera:
    """Everything about one device. Never raises: what it does not tell is said in ``problem``."""
    device = _Device(answer, login)
    found = FoundCamera(answer.name, answer.model, answer.host)
    try:
        device.set_clock()
        name, model = device.maker()
        found = FoundCamera(answer.name or name, answer.model or model, answer.host)
        return device.with_streams(found)
    except OnvifError as error:
        return replace(found, problem=error.what, fix=error.fix)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A device may not send us, with our proof of who we are, to another one."""

    def redirect_request(self, *_: object) -> None:
        return None


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


class _Device:
    def __init__(self, answer: Answer, login: Login | None, now: Callable[[], datetime] = lambda: datetime.now(UTC)):
        self._answer, self._login, self._now = answer, login, now
        self._ahead = timedelta()

    def set_clock(self) -> None:
        """A proof is taken only while it is fresh by the device's own clock, which may be wrong."""
        try:
            reply = self._ask(self._answer.url, "<tds:GetSystemDateAndTime/>", proven=False)
        except RefusedError:
            return  # against the standard, which lets anyone ask for it
        at = {unit: text(reply, f".//tt:UTCDateTime//tt:{unit}") for unit in _UNITS}
        try:
            told = datetime(*(int(at[unit]) for unit in _UNITS), tzinfo=UTC)  # type: ignore[arg-type,misc]
        except (ValueError, OverflowError):
            return
        self._ahead = told - self._now()

    def maker(self) -> tuple[str, str]:
        """Maker and model together, for lack of a name, and the model."""
        reply = self._ask(self._answer.url, "<tds:GetDeviceInformation/>")
        model = plain(text(reply, ".//tds:Model"))
        return plain(f"{text(reply, './/tds:Manufacturer')} {model}"), model

    def with_streams(self, found: FoundCamera) -> FoundCamera:
        """Those at the device itself, and what became of the others."""
        media = self._media_url()
        profiles = self._ask(media, "<trt:GetProfiles/>").findall(".//trt:Profiles", NAMESPACES)[:MOST_PROFILES]
        streams: list[Stream] = []
        problems = {}
        for profile in profiles:
            try:
                streams.append(self._stream(media, profile))
            except RefusedError:
                raise
            except OnvifError as error:  # such as a profile of sound only
                problems[error.what] = error.fix
        problem, fix = "; ".join(problems), "; ".join(dict.fromkeys(problems.values()))
        return replace(found, streams=tuple(streams), problem=problem, fix=fix)

    def _media_url(self) -> str:
        reply = self._ask(
            self._answer.url, "<tds:GetCapabilities><tds:Category>Media</tds:Category></tds:GetCapabilities>"
        )
        told = text(reply, ".//tt:Media/tt:XAddr")
        url = device_url(told, self._answer.host)
        if url is None:
            what = "names a media service at another address" if told else "has no media service"
            raise OnvifError(what, "set the camera's own network address right in its settings")
        return url

    def _stream(self, media: str, profile: Element) -> Stream:
        setup = "<tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport>"
        token = escape(profile.get("token", "")[:256])
        wanted = f"<trt:StreamSetup>{setup}</trt:StreamSetup><trt:ProfileToken>{token}</trt:ProfileToken>"
        reply = self._ask(media, f"<trt:GetStreamUri>{wanted}</trt:GetStreamUri>")
        url = stream_url(text(reply, ".//trt:MediaUri/tt:Uri"), self._answer.host)
        if url is None:
            fix = "set the camera's own network address right, or write that stream's address by hand"
            raise OnvifError("a stream that it names is not at its own address, and left out", fix)
        encoder = "tt:VideoEncoderConfiguration"
        return Stream(
            url=url,
            codec=plain(text(profile, f"{encoder}/tt:Encoding")),
            width=pixels(text(profile, f"{encoder}/tt:Resolution/tt:Width")),
            height=pixels(text(profile, f"{encoder}/tt:Resolution/tt:Height")),
            fps=frames_per_second(text(profile, f"{encoder}/tt:RateControl/tt:FrameRateLimit")),
        )

    def _ask(self, url: str, body: str, *, proven: bool = True) -> Element:
        """Raises OnvifError."""
        message = envelope(body, self._proof() if proven else "")
        headers = {"Content-Type": "application/soap+xml; charset=utf-8"}
        request = urllib.request.Request(url, data=message, headers=headers)  # noqa: S310 - its scheme was checked
        until_s = time.monotonic() + TIMEOUT_S
        try:
            with _opener.open(request, timeout=TIMEOUT_S) as reply:
                root = parse(_read(reply, until_s))
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error, until_s) from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise OnvifError("has a certificate that is not trusted here", _TRUST_FIX) from None
            raise OnvifError(f"does not answer ({type(reason).__name__})", _SILENT_FIX) from None
        if _not_authorized(root):
            raise self._refused()
        return root

    def _refusal(self, error: urllib.error.HTTPError, until_s: float) -> OnvifError:
        """SOAP has a fault come with 400 or 500, who is refused is told in its code."""
        if error.code in {401, 403}:
            return self._refused()
        try:
            refused = _not_authorized(parse(_read(error, until_s)))
        except (OSError, HTTPException, OnvifError):
            refused = False
        return self._refused() if refused else OnvifError(f"answers with an error ({error.code})", _SILENT_FIX)

    def _refused(self) -> RefusedError:
        if self._login is None:
            return RefusedError("asks who we are", _PASSWORD_FIX)
        fix = "check user and password; many cameras keep ONVIF users apart from those of their web page"
        return RefusedError(f"refuses user {self._login.user} or the password", fix)

    def _proof(self) -> str:
        if self._login is None:
            return ""
        created = (self._now() + self._ahead).strftime("%Y-%m-%dT%H:%M:%SZ")
        return username_token(self._login.user, self._login.password, os.urandom(16), created)


_UNITS: Final = ("Year", "Month", "Day", "Hour", "Minute", "Second")


def _not_authorized(root: Element) -> bool:
    return any(code.endswith("NotAuthorized") for code in texts(root, ".//s:Subcode//s:Value"))


def _read(reply: HTTPResponse | urllib.error.HTTPError, until_s: float) -> bytes:
    """Raises OnvifError for a reply too long, TimeoutError for one that trickles."""
    body = bytearray()
    while chunk := reply.read1(65_536):
        body += chunk
        if len(body) > MOST_BYTES:
            raise OnvifError("answers without end", _SILENT_FIX)
        if time.monotonic() > until_s:
            raise TimeoutError
    return bytes(body)
