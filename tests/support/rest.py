"""A small HTTP client for the REST API in tests: blocking, one connection a request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.support.wait import patient


@dataclass(frozen=True)
class Answer:
    """What came back; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.text)


@dataclass
class RestClient:
    """Requests below ``base_url``, each with ``headers`` and its own on top."""

    base_url: str
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, headers: Mapping[str, str] | None = None, **params: object) -> Answer:
        """GET with query parameters."""
        return self.request("GET", path + ("?" + urlencode(params) if params else ""), headers)

    def post(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> Answer:
        """POST a JSON body."""
        return self.request("POST", path, headers, body)

    def request(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: object = None
    ) -> Answer:
        """Any request; ``body`` is sent as JSON unless None."""
        url = urlsplit(self.base_url)
        connection = HTTPConnection(str(url.hostname), url.port, timeout=patient(30))
        sent = {**self.headers, **(headers or {})}
        payload = None
        if body is not None:
            sent["Content-Type"] = "application/json"
            payload = json.dumps(body)
        try:
            connection.request(method, url.path.rstrip("/") + path, payload, sent)
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read().decode())
        finally:
            connection.close()
