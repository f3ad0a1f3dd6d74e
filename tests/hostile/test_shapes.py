"""Whatever is sent, at every door: an error has the one shape, is no fault of ours, and comes with its id."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from http import HTTPStatus
from itertools import product

import pytest

from tests.hostile.conftest import connect
from tests.support.platform import Platform
from tests.support.wait import patient

DOORS = (
    "/",
    "/api/v1/",
    "/api/v1/meters",
    "/api/v1/rpc/alert_summary",
    "/api/v1/rpc/register_meters",
    "/api/v1/user/me",
    "/api/v1/user/login",
    "/telemetry/batch",
    "/ws",
    "/ws/ticket",
    "/docs/",
    "/docs/openapi.json",
    "/health",
    "/health/ingest",
    "/health/events",
    "/health/accounts",
    "/health/rest",
    "/nowhere",
)
METHODS = (
    "FOO",
    "TRACE",
    "CONNECT",
    "get",
    "OPTIONS",
    "PUT",
    "PATCH",
    "DELETE",
    "POST",
    "HEAD",
    "A" * 30,
    "M-SEARCH",
    "PROPFIND",
)
HEADERS = (
    b"Origin: http://[::1",
    b"Origin: null",
    b"Origin: http://a:b@c:99999999/\xff",
    b"Origin: \xf0\x9f\x92\xa5",
    b"Host: [::1",
    b"Host: a b",
    b"Host: \xff",
    b"Host: a/b",
    b"X: \x00",
    b"X: " + b"x" * 9000,
    b"Authorization: Bearer",
    b"Authorization: Bearer \xff.\xff.\xff",
    b"Authorization: Bearer eyJhbGciOiJub25lIn0.e30.",
    b"Authorization: " + b"x" * 7000,
    b"Content-Length: -1",
    b"Content-Length: 1x",
    b"Content-Length: 99999999999999999999",
    b"Content-Length: 99999999999",
    b"Transfer-Encoding: gzip",
    b"Transfer-Encoding: chunked\r\nContent-Length: 3",
    b"Content-Encoding: x",
    b"Content-Type: \xff",
    b"Content-Type: text/plain; charset=nonsense",
    b"Accept: \xff",
    b"Accept: nonsense",
    b"Accept-Profile: auth",
    b"Content-Profile: auth",
    b"Prefer: \xff, count=\x01",
    b"Range: nonsense=a-b",
    b"Range: bytes=99999999-",
    b"Expect: nonsense",
    b"Upgrade: websocket",
    b"Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 1\r\nSec-WebSocket-Key: x",
    b"Sec-WebSocket-Protocol: bearer.\xff",
    b"X-Request-Id: \xff",
    b"Cookie: \xff=\xff",
    b"If-None-Match: \xff",
    b"X-Segs-Query: ?select=json_agg",
    b"no colon",
    b" folded",
    b"\xff: x",
    b": x",
)
ADDRESSES = (
    "{}?%",
    "{}?%zz",
    "{}?a=%00",
    "{}?a=%ff",
    "{}?%ff=%ff",
    "{}?ticket=%ff&token=%00",
    "{}?select=%ff",
    "{}?select=",
    "{}?order=.",
    "{}?or=",
    "{}?limit=x",
    "{}?a=%c3%a4",
    "{}?" + "a" * 9000,
    "{}?a=" + "%41" * 2000,
    "{}%",
    "{}%zz",
    "{}%00",
    "{}%ff",
    "{}%2e%2e%2f",
    "{}/../../etc/passwd",
    "{}//",
    "{}\\",
    "{}?\xe4",
    "http://elsewhere{}",
    "{}#x",
)
LINES = (
    b"GET {} HTTP/1.0\r\n\r\n",
    b"GET {} HTTP/1.1\r\n\r\n",
    b"GET {} HTTP/2.0\r\nHost: x\r\n\r\n",
    b"GET {} HTTP/9.9\r\nHost: x\r\n\r\n",
    b"GET {} HTCPCP/1.0\r\nHost: x\r\n\r\n",
    b"GET {} HTTP/1.1 x\r\nHost: x\r\n\r\n",
    b"GET  {}  HTTP/1.1\r\nHost: x\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x00\x05hello",
    b"\x00\x00\x00\x00\r\n\r\n",
    b"\r\n\r\n\r\n",
    b"GET {} HTTP/1.1\nHost: x\n\n",
    b"POST {} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    b"POST {} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n\r\n",
    b"POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n\x00\xff\x00\xff\x00",
    b'POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"\\ud800\\""',
    b'POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{"":NaN}',
)


def requests(door: str, token: str) -> Iterator[bytes]:
    bearer = f"Authorization: Bearer {token}\r\n".encode()
    for method in METHODS:
        yield f"{method} {door} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode()
    for header, method in product(HEADERS, ("GET", "POST")):
        own = b"" if header.startswith(b"Host") else b"Host: x\r\n"
        signed = b"" if header.startswith(b"Authorization") else bearer
        length = (
            b"" if header.lower().startswith((b"content-length", b"transfer")) else b"Content-Length: 0\r\n"
        )
        yield f"{method} {door} HTTP/1.1\r\n".encode() + own + signed + length + header + b"\r\n\r\n"
    for address in ADDRESSES:
        line = f"GET {address.format(door)} HTTP/1.1\r\n".encode("latin-1")
        yield line + b"Host: x\r\n" + bearer + b"\r\n"
    for line in LINES:
        yield line.replace(b"{}", door.encode())


def answered(target: Platform, request: bytes) -> bytes:
    """The whole answer. What waits for more of the request is told that there is none."""
    answer = b""
    with contextlib.closing(connect(target, "127.0.0.1")) as connection, contextlib.suppress(OSError):
        patience = connection.gettimeout()
        connection.sendall(request)
        connection.settimeout(patient(0.2))
        with contextlib.suppress(TimeoutError):
            while not whole(answer, request.startswith(b"HEAD")):
                if not (more := connection.recv(65536)):
                    return answer
                answer += more
            return answer
        connection.settimeout(patience)
        connection.shutdown(1)
        while more := connection.recv(65536):
            answer += more
    return answer


def whole(answer: bytes, head_only: bool) -> bool:
    """Whether an answer has come to its end."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end or not head.startswith(b"HTTP/1."):
        return False
    if head_only or head.split()[1] in (b"204", b"304"):
        return True
    if re.search(rb"^transfer-encoding: *chunked", head, re.IGNORECASE | re.MULTILINE):
        return body.endswith(b"0\r\n\r\n")
    length = re.search(rb"^content-length: (\d+)", head, re.IGNORECASE | re.MULTILINE)
    return length is not None and len(body) >= int(length[1])


@pytest.mark.parametrize("door", DOORS)
def test_errors_have_the_one_shape(door: str, target: Platform) -> None:
    token = target.keys.mint("device" if door.startswith("/telemetry") else "operator")
    for request in requests(door, token):
        answer = answered(target, request)
        shown = (request[:300], answer[:600])
        head, _, body = answer.partition(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1."):
            assert not answer or answer.startswith(b"{"), shown  # HTTP/0.9 has no head
            continue
        status = int(head.split()[1])
        if status < HTTPStatus.BAD_REQUEST:
            continue
        assert status < HTTPStatus.INTERNAL_SERVER_ERROR or status in (501, 505), shown
        assert re.search(rb"^content-type: application/json", head, re.IGNORECASE | re.MULTILINE), shown
        assert re.search(rb"^x-request-id: \S+", head, re.IGNORECASE | re.MULTILINE), shown
        if not request.startswith(b"HEAD"):
            length = re.search(rb"^content-length: (\d+)", head, re.IGNORECASE | re.MULTILINE)
            # What was sent beyond a request is a request too, and answered.
            after = body.index(b"\r\n") + 2 if length is None else 0
            end = int(length[1]) if length is not None else after + int(body[:after], 16)
            body = body[after:end]
            assert set(json.loads(body)) == {"code", "message", "details", "hint"}, shown


@pytest.mark.parametrize("size", [3_400, 7_900])
def test_a_query_may_be_as_long_as_documented(size: int, target: Platform) -> None:
    values = ",".join(["SIM-00001"] * ((size - 60) // 10))
    answer = target.rest("operator").get(f"/meters?select=meter_id&meter_id=in.({values})")
    assert (answer.status, answer.json()) == (200, [{"meter_id": "SIM-00001"}])
