"""Connections to AWS are checked by Amazon's own roots where AWS has no others, and by what is configured."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import botocore
import botocore.session
import pytest
from botocore.exceptions import ClientError, SSLError
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from batchyard.store import clients
from layers.dependencies import trim
from tests.benchmarks import certificates

BOTOCORE = Path(botocore.__file__).parent
WHOLE = (BOTOCORE / "cacert.pem").read_text()
SERVICES = sorted(trim.operations_in_use())
REGION = "eu-central-1"


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on AWS: nothing is configured, whatever this machine has."""
    for name in os.environ:
        if name.startswith("AWS_") or name == "REQUESTS_CA_BUNDLE" or name.lower() == "https_proxy":
            monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    clients.reset()
    yield
    clients.reset()


@pytest.fixture
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the layer's build makes."""
    (tmp_path / "cacert.pem").write_text(WHOLE)
    trim.choose_roots(tmp_path)
    monkeypatch.setattr(clients, "_AMAZON_ROOTS", tmp_path / "amazon.pem")
    return tmp_path / "amazon.pem"


def trusted(service: str = "dynamodb") -> object:
    """What the client of a service checks its connections by; True for botocore's own choice."""
    return getattr(clients, service)()._endpoint.http_session._verify


# Starfield's has the serial number 0.
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_the_roots_are_amazons_and_may_sign_others(roots: Path) -> None:
    found = x509.load_pem_x509_certificates(roots.read_bytes())
    named = {
        str(one.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value): one.fingerprint(SHA256()).hex()
        for one in found
    }
    assert named == trim.AMAZON_ROOTS
    for one in found:
        one.verify_directly_issued_by(one)
        assert one.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_root_that_the_bundle_has_not_stops_the_build() -> None:
    with pytest.raises(SystemExit, match="Nobody"):
        trim.certificates_of(WHOLE, {**trim.AMAZON_ROOTS, "Nobody": "00" * 32})


@pytest.mark.parametrize("service", SERVICES)
def test_every_aws_client_has_amazons_roots(roots: Path, service: str) -> None:
    assert trusted(service) == str(roots)
    assert getattr(clients, service)().meta.endpoint_url.endswith(".amazonaws.com")


@pytest.mark.parametrize("service", SERVICES)
def test_every_region_of_the_partition_has_amazons_roots(
    roots: Path, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    session = botocore.session.Session()
    regions = session.get_available_regions(service, "aws")
    assert REGION in regions
    for region in regions:
        monkeypatch.setenv("AWS_DEFAULT_REGION", region)
        assert clients._trusted(session) == str(roots)


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1", "us-iso-east-1", "eusc-de-east-1", "nowhere"])
def test_other_partitions_keep_the_whole_bundle(roots: Path, monkeypatch: pytest.MonkeyPatch, region: str) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    assert trusted() is True


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("AWS_CA_BUNDLE", "/some.pem", "/some.pem"),
        ("REQUESTS_CA_BUNDLE", "/some.pem", "/some.pem"),
        ("AWS_ENDPOINT_URL", "https://localhost:4566", True),
        ("AWS_ENDPOINT_URL_DYNAMODB", "https://localhost:4566", True),
        ("HTTPS_PROXY", "https://proxy.example", True),
        ("https_proxy", "http://proxy.example", True),
    ],
)
def test_a_configured_ca_bundle_counts(
    roots: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: object
) -> None:
    assert trusted() == str(roots)
    clients.reset()
    monkeypatch.setenv(name, value)
    assert trusted() == expected


def test_the_bundle_of_a_configuration_file_counts(
    roots: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[default]\nca_bundle = /some.pem\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    assert trusted() == "/some.pem"


def test_without_chosen_roots_the_whole_bundle_is_used() -> None:
    assert not (BOTOCORE / "amazon.pem").exists()
    assert trusted() is True


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A server that none of the roots has signed: the certificate of the one that did, and the server's port."""
    root, certificate = certificates.make(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    taken, _ = listening.accept()
                    # A client that does not trust it breaks off.
                    with taken, suppress(OSError), context.wrap_socket(taken, server_side=True) as connection:
                        connection.recv(65536)
                        connection.sendall(
                            b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
                        )

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield root, listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_a_server_without_a_certificate_by_amazon_is_refused(
    roots: Path, server: tuple[Path, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, port = server
    everywhere = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: everywhere("127.0.0.1", port, type=socket.SOCK_STREAM))
    with pytest.raises(SSLError):
        clients.dynamodb().describe_table(TableName="one")
    clients.reset()
    monkeypatch.setenv("AWS_CA_BUNDLE", str(root))
    with pytest.raises(ClientError):
        clients.dynamodb().describe_table(TableName="one")
