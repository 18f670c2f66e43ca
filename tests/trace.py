"""The kernel's own account of a program: every file it opens to write, every connection, every byte it sends."""

import codecs
import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.services import program

Address = tuple[str, int]

FILES = "open,openat,creat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mknod"
SENDING = "sendto,sendmsg,sendmmsg,write,writev,pwrite64,pwritev,pwritev2"
UNREAD = "sendfile,splice,tee,vmsplice,io_uring_setup"
"""Ways to send bytes that are not written down here; a test wants none of them on a socket."""

_WRITTEN = re.compile(r'(?:open|openat|creat)\((?:AT_FDCWD[^,]*, )?"([^"]+)", [^)]*(?:O_WRONLY|O_RDWR|O_CREAT)')
_RENAMED = re.compile(r'(?:rename|renameat|renameat2|link|linkat|symlink|symlinkat|mknod)\(.*"([^"]+)"[^"]*\)')
_CONNECTED = re.compile(
    r'connect\(\d+<([^>]*)>.*sin6?_port=htons\((\d+)\).*?inet_(?:addr|pton)\((?:AF_INET6, )?"([^"]+)"'
)
_BOUND = re.compile(r'bind\(.*sin6?_port=htons\((\d+)\).*?inet_(?:addr|pton)\((?:AF_INET6, )?"([^"]+)"')
_SENT = re.compile(rf"(?:{SENDING.replace(',', '|')})\(\d+<((?:->|[^>])*)>, (.*)\) = (\d+)$")
_UNREAD = re.compile(rf"(?:{UNREAD.replace(',', '|')})\(.*")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"(\.\.\.)?')
_SOCKET = re.compile(r"(?!pipe:)[\w-]+:\[")  # pipes stay within the program and the one that started it
_PEERS = re.compile(r"TCP:\[([\d.]+):(\d+)->([\d.]+):(\d+)\]")


@dataclass(frozen=True)
class Stream:
    """All that went into one socket, in order; ``here`` and ``there`` where the kernel knows its ends.

    A socket that the program connected itself has no ``here``, one that is no TCP has neither.
    """

    socket: str
    here: Address | None
    there: Address | None
    sent: bytes


@dataclass(frozen=True)
class Trace:
    """``unread``: calls by which bytes could leave that are not in any ``sent``."""

    written: set[Path]
    connected: set[Address]
    bound: set[Address]
    streams: tuple[Stream, ...]
    unread: tuple[str, ...]


def run_traced(command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run to the end under strace; ``read_trace(folder)`` tells what it did. Raises CalledProcessError."""
    calls = f"{FILES},{SENDING},{UNREAD},connect,bind"
    # a file for each thread: in a common one, the calls of several threads interrupt each other
    options = ["-ff", "--seccomp-bpf", "-qq", "-ttt", "-yy", "-s", str(1 << 20), "-e", f"trace={calls}"]
    strace = [program("strace"), *options, "-o", str(folder / "trace"), *command]
    environment = os.environ | environ
    return subprocess.run(strace, env=environment, check=True, timeout=300, capture_output=True, text=True)


def read_trace(folder: Path) -> Trace:
    """Raises ValueError for bytes that strace did not write down in full."""
    lines = [line for file in folder.glob("trace.*") for line in file.read_text(errors="replace").splitlines()]
    told = "\n".join(lines)
    connected = {socket: (address, int(port)) for socket, port, address in _CONNECTED.findall(told)}
    sent: defaultdict[str, bytes] = defaultdict(bytes)
    for line in sorted(lines, key=lambda line: float(line.split(" ", 1)[0])):
        if (call := _SENT.search(line)) and _SOCKET.match(call[1]):
            sent[_first_name(call[1], connected)] += _bytes_of(call[2])[: int(call[3])]
    return Trace(
        written={Path(path) for path in _WRITTEN.findall(told) + _RENAMED.findall(told)},
        connected=set(connected.values()),
        bound={(address, int(port)) for port, address in _BOUND.findall(told)},
        streams=tuple(_stream(socket, data, connected) for socket, data in sent.items()),
        unread=tuple(_UNREAD.findall(told)),
    )


def _first_name(socket: str, connected: Mapping[str, Address]) -> str:
    """strace remembers a socket's name for a while: one that connected may go by both its ends later on."""
    ends = _PEERS.fullmatch(socket)
    unconnected = f"TCP:[0.0.0.0:{ends[2]}]" if ends else socket
    return unconnected if unconnected in connected else socket


def _stream(socket: str, sent: bytes, connected: Mapping[str, Address]) -> Stream:
    """The kernel's name of a socket is that of its first call: of one that connected later, its own end only."""
    if socket in connected:
        return Stream(socket, None, connected[socket], sent)
    if ends := _PEERS.fullmatch(socket):
        return Stream(socket, (ends[1], int(ends[2])), (ends[3], int(ends[4])), sent)
    return Stream(socket, None, None, sent)


def _bytes_of(arguments: str) -> bytes:
    """The buffers of a call as strace prints them: one string, or those of ``iov_base``."""
    buffers = re.findall(r'iov_base=("(?:[^"\\]|\\.)*"(?:\.\.\.)?)', arguments) or [arguments]
    found = [_STRING.match(buffer) for buffer in buffers]
    if not all(match and not match[2] for match in found):
        raise ValueError(f"not written down in full: {arguments[:80]}")
    return b"".join(codecs.escape_decode(match[1].encode())[0] for match in found if match)
