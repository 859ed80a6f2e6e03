"""The service behind a real port, for clients that bring their own HTTP."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
from moto import mock_aws
from werkzeug.serving import WSGIRequestHandler, make_server

from batchyard.identity import token_cache
from tests.contract.gateway import Gateway
from tests.contract.service import GATEWAY, Service
from tests.support import aws
from tests.support.api import Front

BASE_PATH = "/api/data"
"""What a domain of one's own may have before the API's paths."""


@dataclass(frozen=True)
class Site:
    """Where a client finds the service.

    Args:
        base: What it puts before the API's paths.
        key: The token of somebody who may do everything.
        channel: The primary key of a channel.
        gateway: What answers it.
    """

    base: str
    key: str
    channel: int
    gateway: Gateway


class _Silent(WSGIRequestHandler):
    """One request, and no line of log for it."""

    def log(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """The whole service on moto, behind a port of this machine's loopback."""
    gateway = Gateway()
    # One request at a time, as an environment of Lambda has it.
    server = make_server("127.0.0.1", 0, gateway, request_handler=_Silent)
    with pytest.MonkeyPatch.context() as patch, closing(server.socket), mock_aws():
        host = f"127.0.0.1:{server.server_port}"
        # One of the clients finds an API nowhere but there.
        gateway.front = Front(f"http://{host}{BASE_PATH}", BASE_PATH, BASE_PATH, protocol="http", host=host)
        GATEWAY.forget()
        service = Service(patch)
        # What the service of another module said of its keys.
        token_cache.reset()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Site(gateway.front.base, service.key, service.channel, gateway)
        finally:
            server.shutdown()
            thread.join()
    aws.forget()
