"""The two questions we ask Prometheus over its HTTP API.

Clients on the package index bring pandas and matplotlib along for the same two requests; these lines bring nothing.
"""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from edge_agent.errors import InputError, RunError

TIMEOUT_S: Final = 60.0
"""Prometheus gives up on a query after two minutes by itself; ours take seconds."""

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Series:
    """labels: sorted, without the metric's name. points: (unix time, value), in order."""

    labels: Labels
    points: list[tuple[float, float]]

    def label(self, name: str) -> str:
        """ "" where there is none."""
        return dict(self.labels).get(name, "")


class PrometheusApi:
    """Raises InputError for an address that cannot be one, RunError when it does not answer as Prometheus does."""

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        if "@" in url:
            raise InputError("the address of Prometheus holds a password", "go through a proxy that knows it instead")
        try:
            parts = urlsplit(url)
            sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            sound = False
        if not sound or " " in url:
            raise InputError(f"{url} is no address of a Prometheus", "give it as http://host:9090")
        self.name = url.rstrip("/")
        self._timeout_s = timeout_s

    def at(self, query: str, unix_s: float) -> list[Series]:
        """Each series with its one point at this time."""
        found = self._ask("query", {"query": query, "time": f"{unix_s:.3f}"})
        return [Series(_labels(each), _points([each["value"]])) for each in found]

    def over(self, query: str, from_s: float, to_s: float, step_s: float) -> list[Series]:
        """Each series at from_s, from_s + step_s … up to to_s."""
        asked = {"query": query, "start": f"{from_s:.3f}", "end": f"{to_s:.3f}", "step": f"{step_s:.3f}"}
        return [Series(_labels(each), _points(each["values"])) for each in self._ask("query_range", asked)]

    def _ask(self, what: str, parameters: Mapping[str, str]) -> list[Mapping[str, Any]]:
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked
            f"{self.name}/api/v1/{what}", data=urlencode(parameters).encode(), headers={"Accept": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=self._timeout_s) as reply:  # noqa: S310
                answer = json.load(reply)
            found: list[Mapping[str, Any]] = answer["data"]["result"]
        except urllib.error.HTTPError as error:
            raise self._refused(error) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise RunError(
                f"{self.name} does not answer: {reason}", "check the address, and that Prometheus runs there"
            ) from None
        except (ValueError, KeyError, TypeError):
            raise RunError(
                f"{self.name} answers, but not as Prometheus does", "check the address: host, port and path"
            ) from None
        return found

    def _refused(self, error: urllib.error.HTTPError) -> RunError:
        try:
            said = str(json.load(error)["error"])
        except (ValueError, KeyError, TypeError, OSError):
            said = error.reason
        fix = {
            401: "it asks for a password: go through a proxy on this machine that knows it",
            404: "check the address: host, port and path",
            503: "it is starting, or its query took too long: try again, or ask for a shorter period",
        }.get(error.code, "ask for a shorter period, and see Prometheus' log")
        return RunError(f"{self.name} refuses ({error.code}): {said}", fix)


def _labels(found: Mapping[str, Any]) -> Labels:
    return tuple(sorted((name, value) for name, value in found["metric"].items() if name != "__name__"))


def _points(found: list[list[Any]]) -> list[tuple[float, float]]:
    return [(float(at_s), float(value)) for at_s, value in found]
