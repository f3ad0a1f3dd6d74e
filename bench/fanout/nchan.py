"""nchan, the nginx module that people pick to push to WebSockets: one worker, messages kept in memory."""

from __future__ import annotations

import socket

from bench.environment import Environment
from stack import servers
from stack.process import ServerSpec

PACKAGES = ("nginx-light", "libnginx-mod-nchan")

CONFIG = """
load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
daemon off;
worker_processes 1;
worker_rlimit_nofile {files};
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    keepalive_requests 10000000;
    tcp_nodelay on;
    nchan_shared_memory_size 512M;
    nchan_message_buffer_length 100000;
    nchan_message_timeout 10m;
    server {{
        listen {host}:{port} backlog=4096;
        location = /health {{ return 200; }}
        location ~ ^/publish/(\\w+)$ {{ nchan_publisher http; nchan_channel_id $1; }}
        location ~ ^/listen/(\\w+)$ {{
            nchan_subscriber websocket;
            nchan_channel_id $1;
            nchan_subscriber_first_message newest;
        }}
    }}
}}
"""


def start(environment: Environment, connections: int) -> None:
    """Start it, with room for so many connections."""
    port = servers.free_port()
    folder = environment.folder("nchan")
    config = folder / "nginx.conf"
    config.write_text(
        CONFIG.format(
            folder=folder, host=servers.LOOPBACK, port=port, connections=connections, files=connections + 100
        ),
        encoding="utf-8",
    )
    runtime, url = environment.runtime, f"http://{servers.LOOPBACK}:{port}"
    environment.start(
        ServerSpec(
            name="nchan",
            command=lambda fd: runtime.command(
                # nchan makes a folder where Debian's nginx has it, whatever the configuration says
                "sh", "-c", 'mkdir -p /var/lib/nginx && exec nginx -c "$0" -e stderr -p "$1"',
                str(config), str(folder),
                binds=[folder], info_fd=fd, alone=True,
            ),
            ready=lambda: servers.http_ready(f"{url}/health"),
            url=url,
            in_runtime=runtime.root is not None,
        )
    )  # fmt: skip
    environment.ports["nchan"] = port


class Publisher:
    """Publishes to one channel over one connection that stays open."""

    def __init__(self, port: int, channel: str) -> None:
        self._socket = socket.create_connection((servers.LOOPBACK, port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._socket.makefile("rb")
        self._head = (
            f"POST /publish/{channel} HTTP/1.1\r\nHost: {servers.LOOPBACK}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()

    def publish(self, messages: list[bytes]) -> None:
        """Publish in order; returns when the last one has been answered."""
        self._socket.sendall(b"".join(self._head + b"%d\r\n\r\n" % len(body) + body for body in messages))
        for _ in messages:
            self._read_answer()

    def _read_answer(self) -> None:
        """One answer off the connection (http.client would read into the next one)."""
        status = self._answers.readline()
        if status.split()[1:2] not in ([b"201"], [b"202"]):
            raise RuntimeError(f"nchan answered {status!r}")
        size = 0
        while (line := self._answers.readline().lower()) != b"\r\n":
            if line.startswith(b"content-length:"):
                size = int(line.split(b":")[1])
        self._answers.read(size)

    def close(self) -> None:
        self._answers.close()
        self._socket.close()
