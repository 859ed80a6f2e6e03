"""A client that `openapi-python-client` makes of the OpenAPI document, against the service on a loopback address."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from tests.contract.service import COLLECTION, GATEWAY, GTIN, PRODUCT, Service
from tests.support.documented import DOCUMENT
from tools.generate import ROOT

TOOLS = ROOT / ".local" / "tools" / "openapi-client" / "bin"
# What a program does with it; each answer is what the client made of it, not what came.
PROGRAM = """
import json, sys
from client import AuthenticatedClient
from client.api.channel_batch_requests import create_batch_request, list_batch_requests
from client.api.o_data_products import products_create, products_list
from client.api.product_batches import create_product_batch
from client.api.serial_numbers import get_serials, lookup_serial
from client.models import BatchRequestCreate, NewProduct, ProductBatchCreate

url, key, channel, collection, product, gtin = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=key, prefix="Token", raise_on_unexpected_status=True)
opened = create_batch_request.sync(int(channel), client=client, body=BatchRequestCreate(channel=int(channel)))
listed = list_batch_requests.sync(int(channel), client=client)
lot = create_product_batch.sync(
    collection, product, client=client, body=ProductBatchCreate(id="L42", gtin=gtin, quantity=10)
)
page = get_serials.sync(collection, product, "L42", client=client, count=3)
found = lookup_serial.sync(collection, product, "L42", page.items[0].code, client=client)
refused = lookup_serial.sync(collection, product, "L42", "x", client=client)
lamp = products_create.sync(client=client, body=NewProduct(sku="LAMP-1", title="Lamp"))
lamps = products_list.sync(client=client, filter_="Sku eq 'LAMP-1'")
print(json.dumps({
    "opened": opened.pk, "listed": [one.pk for one in listed.results], "lot": lot.id, "total": page.total,
    "codes": [one.code for one in page.items], "valid": found.valid, "index": found.index,
    "refused": [type(refused).__name__, refused.error_code], "lamp": lamp.id, "lamps": [one.id for one in lamps.value],
}))
"""


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def address(service: Service) -> Iterator[str]:
    """Where the service listens."""
    with make_server("127.0.0.1", 0, GATEWAY, handler_class=_Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def run(*command: str | Path, **environment: str) -> str:
    """What a program prints."""
    plain = {"PATH": f"{TOOLS}{os.pathsep}{os.defpath}", "NO_PROXY": "127.0.0.1", **environment}
    ended = subprocess.run(command, env=plain, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    return ended.stdout


def test_a_generated_client_creates_and_reads_every_resource(service: Service, address: str, tmp_path: Path) -> None:
    assert (TOOLS / "python").exists(), "`make test` installs the generator: make .local/tools/openapi-client/.ready"
    package = tmp_path / "client"
    told = run(
        TOOLS / "openapi-python-client",
        *("generate", "--path", DOCUMENT, "--output-path", package, "--meta", "none"),
        HOME=str(tmp_path),
    )
    assert "Unable to process schema" not in told
    asked = (address, service.key, str(service.channel), COLLECTION, PRODUCT, GTIN)
    found = json.loads(run(TOOLS / "python", "-c", PROGRAM, *asked, PYTHONPATH=str(tmp_path)))
    assert found["listed"] == [found["opened"]]
    assert (found["lot"], found["total"], len(found["codes"])) == ("L42", 10, 3)
    assert (found["valid"], found["index"]) == (True, 0)
    assert found["refused"] == ["CodedError", "INVALID_CODE"]
    assert found["lamps"] == [found["lamp"]]
