"""The `/metrics` page of agent and bridge, served to Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, start_http_server

from edge_agent.errors import InputError


def serve(registry: CollectorRegistry, host: str, port: int) -> tuple[int, Callable[[], None]]:
    """Serve ``/metrics`` from a daemon thread. Returns the real port and what stops it.

    Raises InputError when the address cannot be bound.
    """
    try:
        server, thread = start_http_server(port, host, registry)
    except (OSError, OverflowError) as error:
        raise InputError(
            f"cannot serve metrics on {host}:{port}: {error}",
            "choose another metrics host or port in the settings",
        ) from error

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return server.server_port, stop
