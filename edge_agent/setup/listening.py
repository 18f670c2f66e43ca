"""The page's socket, on loopback, and uvicorn behind it in a thread of its own."""

import asyncio
import socket
import threading
from typing import Final

import uvicorn

from edge_agent.errors import InputError
from edge_agent.setup.door import HOSTS
from edge_agent.setup.server import SetupServer

MAX_HEAD_BYTES: Final = 16_384
MAX_CONNECTIONS: Final = 32


class Listening:
    """``with Listening(server, port) as address``: the page is served until the block ends."""

    def __init__(self, server: SetupServer, port: int) -> None:
        """Raises InputError where the port is taken. 0: any free one."""
        try:
            self._socket = socket.create_server((HOSTS[0], port))
        except (OSError, OverflowError) as error:
            raise InputError(f"cannot serve the page on port {port}: {error}", "choose another: --port") from error
        self.port: int = self._socket.getsockname()[1]
        self._door = server.door
        config = uvicorn.Config(
            server.app,
            log_config=None,
            access_log=False,  # the first address holds the ticket
            headers=server.headers(),
            server_header=False,
            lifespan="off",
            ws="none",
            http="h11",
            loop="asyncio",
            proxy_headers=False,
            limit_concurrency=MAX_CONNECTIONS,
            h11_max_incomplete_event_size=MAX_HEAD_BYTES,
            timeout_graceful_shutdown=2,
        )
        self._uvicorn = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="setup-page", daemon=True)

    def _serve(self) -> None:
        asyncio.run(self._uvicorn.serve(sockets=[self._socket]))

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://{HOSTS[0]}:{self.port}/open/{self._door.ticket}"

    def __exit__(self, *_: object) -> None:
        self._uvicorn.should_exit = True
        self._thread.join()
        self._socket.close()
