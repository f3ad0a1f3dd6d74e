#!/usr/bin/env python3
"""Takes mails on port 1025 and lists them on port 8025, as Mailpit does, for tests."""

import json
import sys
import urllib.request
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

MAILS: list[dict[str, Any]] = []


class Take:
    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: N802 (aiosmtpd's name)
        message = message_from_bytes(envelope.content, policy=policy.default)
        body = message.get_body(("plain",))
        MAILS.insert(
            0,
            {
                "ID": str(len(MAILS) + 1),
                "To": [{"Address": address} for address in envelope.rcpt_tos],
                "Subject": message["Subject"],
                "Text": body.get_content() if body else "",
            },
        )
        return "250 OK"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        pages = {f"/api/v1/message/{mail['ID']}": mail for mail in MAILS}
        pages |= {"/readyz": {}, "/api/v1/messages": {"total": len(MAILS), "messages": MAILS}}
        content = json.dumps(pages.get(self.path, {})).encode()
        self.send_response(200 if self.path in pages else 404)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        pass


if sys.argv[1:] == ["readyz"]:
    urllib.request.urlopen("http://127.0.0.1:8025/readyz", timeout=3).read()
    sys.exit(0)
Controller(Take(), hostname="0.0.0.0", port=1025).start()
ThreadingHTTPServer(("0.0.0.0", 8025), Answer).serve_forever()
