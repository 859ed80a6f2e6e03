"""moto's AWS behind an address: for processes that are measured, and whose CPU must not hold the store's."""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, HeadersDict
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber

_SCOPE = re.compile(r"Credential=[^/]+/\d+/([^/]+)/(\w+)/aws4_request")
_HOP_BY_HOP = frozenset({"transfer-encoding", "connection", "content-length", "date", "server"})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stubber: BotocoreStubber
    lock = threading.Lock()

    def _answer(self) -> None:
        body = self._body()
        scope = _SCOPE.search(self.headers.get("Authorization", ""))
        if scope is None:
            self.send_error(403)
            return
        host = self.headers.get("Host", "")
        if not host.endswith(".amazonaws.com"):
            # Region and service are in the signature; moto finds them by the host.
            host = f"{scope[2]}.{scope[1]}.amazonaws.com"
        headers: Any = HeadersDict({**dict(self.headers.items()), "Host": host})
        request = AWSPreparedRequest(self.command, f"https://{host}{self.path}", headers, body, False)
        with self.lock:
            response = self.stubber("before-send", request)
        if response is None:
            self.send_error(501)
            return
        content = response.content
        self.send_response(response.status_code)
        for name, value in response.headers.items():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, str(value))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        # So it comes over TLS with a checksum behind it.
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _answer

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: the benchmark's own output is what counts."""


@contextmanager
def aws_over_http(certificate: Path | None = None) -> Iterator[str]:
    """An endpoint for every service, and moto switched on in this process too, to fill it.

    Args:
        certificate: The server's, with its key; None for plain HTTP.
    """
    with mock_aws():
        from moto.core.models import botocore_stubber

        handler = type("Handler", (_Handler,), {"stubber": botocore_stubber})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # A thread that waits for a client's greeting is one of its own, not the one that takes connections.
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
