"""Many WebSocket clients in one process of its own, made to cost as little as Python can.

Every client must hear the same frames, so the process keeps them once: where a client reaches a new frame, it
is read as JSON and its number checked; whatever the others receive is compared with that, byte for byte, in
one call whatever the number of frames in it. Only where the bytes differ (a ping between two frames) are they
taken apart. Anything missing, repeated or out of order is an error.

Takes a line of JSON from standard input: where to connect. Further lines say what to do (``listen``,
``hang_up``, ``resume``); each is answered with a line.
"""

from __future__ import annotations

import base64
import contextlib
import gc
import itertools
import json
import os
import resource
import select
import socket
import struct
import sys
import time
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

RECEIVE = 512 * 1024
AT_ONCE = 1000  # handshakes under way; a server's backlog is about that
SOURCES = 8  # source addresses, so that ports suffice

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class ListenError(RuntimeError):
    """A client heard what it should not have, or did not hear what it should have."""


def masked(opcode: int, body: bytes) -> bytes:
    """A short frame from client to server (the mask is zero: nobody is to be protected from it here)."""
    size = len(body)
    if size < 126:
        return bytes((0x80 | opcode, 0x80 | size, 0, 0, 0, 0)) + body
    return bytes((0x80 | opcode, 0x80 | 126)) + struct.pack("!H", size) + bytes(4) + body


def whole_frame(data: bytes, start: int) -> tuple[int, int, int] | None:
    """Opcode, first byte of the body and end of the frame at ``start``; None if it is not all there."""
    if len(data) < start + 2:
        return None
    size, body = data[start + 1] & 0x7F, start + 2
    if size >= 126:
        wide = 2 if size == 126 else 8
        body += wide
        if len(data) < body:
            return None
        size = int.from_bytes(data[body - wide : body], "big")
    return (data[start] & 0x0F, body, body + size) if len(data) >= body + size else None


class Stream:
    """The frames of a run, which every client must hear."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.data = bytearray()
        self.ends = array("q")
        self.sent = array("d")
        self.cursors: list[str] = []

    def start(self, index: int) -> int:
        """Where frame ``index`` begins."""
        return self.ends[index - 1] if index else 0

    def append(self, frame: bytes, body: bytes) -> None:
        """The next frame, heard for the first time."""
        event = json.loads(body)
        if event.get("type") != "event" or event["payload"].get("run") != self.run:
            raise ListenError(f"not an event of this run: {body!r}")
        if event["payload"]["number"] != len(self.ends):
            raise ListenError(f"number {event['payload']['number']} came instead of {len(self.ends)}")
        self.data += frame
        self.ends.append(len(self.data))
        self.sent.append(event["payload"]["sent_at"])
        self.cursors.append(event["cursor"])


class Client:
    """One connection. ``index``: events heard; ``at``: where in the stream; ``rest``: bytes not in it."""

    __slots__ = ("at", "hello", "index", "rest", "sock", "take")

    def __init__(self, sock: socket.socket, hello: bytes, index: int, at: int) -> None:
        self.sock = sock
        self.hello = hello
        self.index = index
        self.at = at
        self.rest = b""
        self.take: Callable[[Client, bytes], None] | None = None
        """What to do with bytes before it listens; None when it does."""


class Crowd:
    """All clients of this process."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.task = task
        self.address = (task["host"], task["port"])
        self.stream = Stream(task["run"])
        self.clients: dict[int, Client] = {}
        self.poll = select.epoll()
        self.listening = 0
        self.heard_at = array("d")
        self.heard_first = array("q")
        self.heard_last = array("q")
        self._buffer = bytearray(RECEIVE)
        self._view = memoryview(self._buffer)
        self._sources = itertools.cycle(f"127.0.0.{n}" for n in range(2, 2 + SOURCES))

    # connecting

    def connect(self, deadline: float, cursors: list[int] | None = None) -> dict[str, Any]:
        """Connect and subscribe all, from now on or after the events numbered ``cursors`` in turn."""
        begun = time.monotonic()
        waiting = iter(range(self.task["clients"]))
        self.listening = 0
        self._open(itertools.islice(waiting, AT_ONCE), cursors)
        while self.listening < self.task["clients"]:
            before = self.listening
            self._serve(deadline)
            self._open(itertools.islice(waiting, self.listening - before), cursors)
        return {"seconds": time.monotonic() - begun}

    def _open(self, numbers: Iterator[int], cursors: list[int] | None) -> None:
        for number in numbers:
            last = cursors[number % len(cursors)] if cursors else len(self.stream.ends) - 1
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # no TIME_WAIT
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
            sock.bind((next(self._sources), 0))
            sock.setblocking(False)
            client = Client(
                sock, self._hello(last if cursors else None), last + 1, self.stream.start(last + 1)
            )
            client.take = self._handshake
            self.clients[sock.fileno()] = client
            with contextlib.suppress(BlockingIOError):
                sock.connect(self.address)
            self.poll.register(sock.fileno(), select.EPOLLOUT)

    def _hello(self, last: int | None) -> bytes:
        """What it says once connected; empty for a server that needs none."""
        subscribe = self.task.get("subscribe")
        if subscribe is None:
            return b""
        resume = {} if last is None else {"cursor": self.stream.cursors[last]}
        return masked(TEXT, json.dumps({**subscribe, **resume}).encode())

    def _request(self, client: Client) -> None:
        if error := client.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise ListenError(f"no connection: {os.strerror(error)}")
        lines = [
            f"GET {self.task['path']} HTTP/1.1",
            f"Host: {self.address[0]}:{self.address[1]}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        ]
        if self.task.get("protocols"):
            lines.append(f"Sec-WebSocket-Protocol: {', '.join(self.task['protocols'])}")
        client.sock.send("\r\n".join([*lines, "", ""]).encode())
        self.poll.modify(client.sock.fileno(), select.EPOLLIN)

    def _handshake(self, client: Client, data: bytes) -> None:
        head, end, rest = (client.rest + data).partition(b"\r\n\r\n")
        client.rest = rest if end else head
        if not end:
            return
        if not head.startswith(b"HTTP/1.1 101 "):
            raise ListenError(f"refused: {head!r} {rest!r}")
        if client.hello:
            client.sock.send(client.hello)
            client.take = self._greeting
            self._greeting(client, b"")
        else:
            self._goes_live(client)

    def _greeting(self, client: Client, data: bytes) -> None:
        """Frames up to the one that says the subscription is in force."""
        client.rest += data
        while (frame := whole_frame(client.rest, 0)) is not None:
            said = json.loads(client.rest[frame[1] : frame[2]])
            client.rest = client.rest[frame[2] :]
            if said["type"] == "subscribed":
                self._goes_live(client)
                return
            if said["type"] != "welcome":
                raise ListenError(f"refused: {said}")

    def _goes_live(self, client: Client) -> None:
        client.take = None
        self.listening += 1
        if client.rest:
            rest, client.rest = client.rest, b""
            self._apart(client, rest)

    def hang_up(self) -> None:
        """Close every connection."""
        for fd, client in self.clients.items():
            self.poll.unregister(fd)
            client.sock.close()
        self.clients.clear()

    # listening

    def listen(self, events: int, deadline: float) -> dict[str, Any]:
        """Until every client has heard ``events`` of the run, and what that took."""
        clients, done = self.clients.values(), False
        used = resource.getrusage(resource.RUSAGE_SELF)
        while not done:
            self._serve(deadline)
            # looked at seldom: not before someone has heard the last one
            done = len(self.stream.ends) >= events and all(client.index >= events for client in clients)
        now = resource.getrusage(resource.RUSAGE_SELF)
        result = self._result()
        cpu = (now.ru_utime + now.ru_stime) - (used.ru_utime + used.ru_stime)
        return {**result, "cpu_us": cpu / result["delivered"] * 1e6}

    def _serve(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            behind = [
                client.index for client in self.clients.values() if client.index < len(self.stream.ends)
            ]
            raise ListenError(
                f"too late: {self.listening} listen, {len(behind)} of them behind the {len(self.stream.ends)}"
                f" events heard (furthest at {min(behind, default=0)})"
            )
        clients, stream, view = self.clients, self.stream, self._view
        for fd, ready in self.poll.poll(1.0, 4096):
            client = clients[fd]
            if ready & select.EPOLLOUT:
                self._request(client)
                continue
            size = client.sock.recv_into(view)
            now = time.monotonic()
            if not size:
                raise ListenError(f"the server hung up on a client that has heard {client.index} events")
            first = client.index
            if client.take is not None:
                client.take(client, bytes(view[:size]))
            elif not client.rest and stream.data.startswith(view[:size], client.at):
                client.at += size
                client.index = bisect_right(stream.ends, client.at, first)
            else:
                self._apart(client, bytes(view[:size]))
            if client.index > first:
                self.heard_at.append(now)
                self.heard_first.append(first)
                self.heard_last.append(client.index)

    def _apart(self, client: Client, data: bytes) -> None:
        """Take frames one by one: new ones, and what stands between them."""
        stream = self.stream
        begin = stream.start(client.index)
        data = bytes(stream.data[begin : client.at]) + client.rest + data
        at = 0
        while (frame := whole_frame(data, at)) is not None:
            opcode, body, end = frame
            if opcode == TEXT:
                self._one(client, data[at:end], data[body:end])
            elif opcode == PING:
                client.sock.send(masked(PONG, data[body:end]))
            else:
                raise ListenError(f"unexpected frame: {data[at:end]!r}")
            at = end
        begin, rest = stream.start(client.index), data[at:]
        known = stream.data.startswith(rest, begin)
        client.at = begin + len(rest) if known else begin
        client.rest = b"" if known else rest

    def _one(self, client: Client, frame: bytes, body: bytes) -> None:
        stream = self.stream
        if client.index == len(stream.ends):
            stream.append(frame, body)
        elif stream.data[stream.start(client.index) : stream.ends[client.index]] != frame:
            raise ListenError(f"event {client.index} was expected, this came: {frame!r}")
        client.index += 1

    def _result(self) -> dict[str, Any]:
        at, sent = np.asarray(self.heard_at), np.asarray(self.stream.sent)
        first, last = np.asarray(self.heard_first), np.asarray(self.heard_last)
        counts = last - first
        ends = np.cumsum(counts)
        events = np.arange(ends[-1]) - np.repeat(ends - counts, counts) + np.repeat(first, counts)
        delays = (np.repeat(at, counts) - sent[events]) * 1000
        p50, p99 = np.percentile(delays, (50, 99))
        began = float(sent[first.min()])
        self.heard_at, self.heard_first, self.heard_last = array("d"), array("q"), array("q")
        return {
            "delivered": int(ends[-1]),
            "receives": len(counts),
            "seconds": float(at.max()) - began,
            "last_at": float(at.max()),
            "p50": float(p50),
            "p99": float(p99),
            "max": float(delays.max()),
            "bytes": len(self.stream.data) / len(self.stream.ends),
        }


def main() -> None:
    gc.disable()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    crowd: Crowd | None = None
    for line in sys.stdin:
        task = json.loads(line)
        deadline = time.monotonic() + task["deadline"]
        try:
            if crowd is None:
                crowd = Crowd(task)
                answer = crowd.connect(deadline)
            elif task["do"] == "listen":
                answer = crowd.listen(task["events"], deadline)
            elif task["do"] == "hang_up":
                crowd.hang_up()
                answer = {}
            else:
                crowd.address = (crowd.address[0], task["port"])
                answer = crowd.connect(deadline, task["cursors"])
        except (ListenError, OSError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
