"""The little SOAP that it takes to ask a camera: envelopes out, replies in.

zeep, on which the ONVIF clients are built, reads whole service descriptions to send five short questions. A reply may
come from anyone on the network, hence defusedxml: it refuses document types, with which a few lines of XML become
gigabytes or read files, where the standard library's parser takes them.
"""

import base64
import hashlib
from html import escape
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from edge_agent.errors import RunError

_WSS: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
NAMESPACES: Final = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "d": "http://schemas.xmlsoap.org/ws/2005/04/discovery",
    "dn": "http://www.onvif.org/ver10/network/wsdl",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "tt": "http://www.onvif.org/ver10/schema",
    "ter": "http://www.onvif.org/ver10/error",
    "wsse": f"{_WSS}-wssecurity-secext-1.0.xsd",
    "wsu": f"{_WSS}-wssecurity-utility-1.0.xsd",
}
_DIGEST: Final = f"{_WSS}-username-token-profile-1.0#PasswordDigest"
_BASE64: Final = f"{_WSS}-soap-message-security-1.0#Base64Binary"


class OnvifError(RunError):
    """A device does not answer as ONVIF has it."""


def envelope(body: str, header: str = "") -> bytes:
    """A whole message. ``body`` and ``header`` are XML with the prefixes of NAMESPACES."""
    spaces = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope {spaces}>'
        f"<s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def digest_of(password: str, nonce: bytes, created: str) -> str:
    """As WS-Security's UsernameToken profile 1.0 has it: SHA-1, which ONVIF asks for."""
    sha1 = hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False)
    return base64.b64encode(sha1.digest()).decode()


def username_token(user: str, password: str, nonce: bytes, created: str) -> str:
    """The header that proves who asks; the password itself is not in it. ``created``: by the device's own clock."""
    return (
        f'<wsse:Security s:mustUnderstand="1"><wsse:UsernameToken><wsse:Username>{escape(user)}</wsse:Username>'
        f'<wsse:Password Type="{_DIGEST}">{digest_of(password, nonce, created)}</wsse:Password>'
        f'<wsse:Nonce EncodingType="{_BASE64}">{base64.b64encode(nonce).decode()}</wsse:Nonce>'
        f"<wsu:Created>{created}</wsu:Created></wsse:UsernameToken></wsse:Security>"
    )


def parse(reply: bytes) -> Element:
    """The envelope of a reply. Raises OnvifError for what is none."""
    try:
        root: Element = fromstring(reply, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise OnvifError("answers with what is no XML that may be read", _NO_CAMERA) from error
    if root.tag != f"{{{NAMESPACES['s']}}}Envelope":
        raise OnvifError("answers with something else than SOAP", _NO_CAMERA)
    return root


def texts(element: Element, path: str) -> list[str]:
    """Of all elements at this path (prefixes of NAMESPACES), without surrounding space."""
    return [(found.text or "").strip() for found in element.iterfind(path, NAMESPACES)]


def text(element: Element, path: str) -> str:
    """Of the first element at this path; "" where there is none."""
    return next(iter(texts(element, path)), "")


_NO_CAMERA: Final = "it may be no ONVIF camera: switch ONVIF on in its settings, or leave it out"
