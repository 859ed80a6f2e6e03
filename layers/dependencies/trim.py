"""Cuts botocore's data down to what the functions use, as a step of the layer's build.

Making a client reads JSON: the list of every AWS service, the endpoints of all of them, and the whole model of the one
that is wanted, documentation included. That is most of what a first DynamoDB client costs. `operations.json`, beside
this file, names the operations that the code calls; everything that serves only others goes. Only data files are
touched, never code.

Each new connection reads the certificates again that it is checked by. Amazon's roots are put into a file of their own,
for clients of services that have no others (`batchyard.store.clients`); the whole bundle stays beside it.

    python trim.py <folder that holds botocore> [<operations.json>]
"""

import gzip
import json
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from ssl import PEM_cert_to_DER_cert
from typing import Any

OPERATIONS_FILE = Path(__file__).with_name("operations.json")

# What botocore looks up on its own account: it asks S3 for a bucket's region when it is redirected to another one, and
# finds the address of a presigned POST as if it were to create the bucket.
CALLED_BY_BOTOCORE = {"s3": frozenset({"CreateBucket", "HeadBucket"})}

# By the SHA-256 of their DER. Amazon Trust Services publishes these five (https://www.amazontrust.com/repository/), and
# asks those who choose roots to take all of them.
AMAZON_ROOTS = {
    "Amazon Root CA 1": "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
    "Amazon Root CA 2": "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
    "Amazon Root CA 3": "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
    "Amazon Root CA 4": "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
    "Starfield Services Root Certificate Authority - G2": (
        "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5"
    ),
}
WHOLE_BUNDLE = "cacert.pem"
AMAZON_BUNDLE = "amazon.pem"
CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----\n")

SERVICE_MODEL = "service-2"
ENDPOINT_RULES = "endpoint-rule-set-1"
PAGINATORS = "paginators-1"


def operations_in_use(file: Path = OPERATIONS_FILE) -> dict[str, frozenset[str]]:
    """The operations to keep, by service as botocore names it."""
    listed: dict[str, list[str]] = json.loads(file.read_text())
    return {
        service: frozenset(operations) | CALLED_BY_BOTOCORE.get(service, frozenset())
        for service, operations in listed.items()
    }


def trim(botocore: Path, in_use: Mapping[str, Iterable[str]]) -> None:
    """Cuts the data of the botocore package in this folder down to these operations."""
    data = botocore / "data"
    unknown = [service for service in in_use if not (data / service).is_dir()]
    if unknown:
        raise SystemExit(f"botocore knows no such service: {', '.join(unknown)}")
    for folder in [entry for entry in data.iterdir() if entry.is_dir()]:
        if folder.name in in_use:
            _trim_service(folder, frozenset(in_use[folder.name]))
        else:
            shutil.rmtree(folder)
    _trim_endpoints(data / "endpoints.json", in_use)
    _trim_retries(data / "_retry.json", in_use)
    for name in ("partitions.json", "sdk-default-configuration.json"):
        _write(data / name, without_documentation(_read(data / name)))


def choose_roots(botocore: Path) -> None:
    """Writes Amazon's own roots into a file beside botocore's bundle, from which they are taken."""
    chosen = certificates_of((botocore / WHOLE_BUNDLE).read_text(), AMAZON_ROOTS)
    (botocore / AMAZON_BUNDLE).write_text("".join(chosen))


def certificates_of(bundle: str, fingerprints: Mapping[str, str]) -> list[str]:
    """The certificates of a bundle with these SHA-256 fingerprints, each named for who is to be told of its absence."""
    certificates = {sha256(PEM_cert_to_DER_cert(one)).hexdigest(): one for one in CERTIFICATE.findall(bundle)}
    missing = [name for name, fingerprint in fingerprints.items() if fingerprint not in certificates]
    if missing:
        raise SystemExit(f"the bundle has no certificate {'; '.join(missing)}")
    return [certificates[fingerprint] for fingerprint in fingerprints.values()]


def trimmed_model(model: Mapping[str, Any], operations: frozenset[str]) -> dict[str, Any]:
    """A service's model with these operations, the shapes that they reach, and no documentation."""
    missing = operations - model["operations"].keys()
    if missing:
        raise SystemExit(f"{model['metadata']['serviceId']} has no operation {', '.join(sorted(missing))}")
    kept = {name: model["operations"][name] for name in sorted(operations)}
    trimmed: dict[str, Any] = without_documentation(
        {**model, "operations": kept, "shapes": _reachable_shapes(kept, model["shapes"])}
    )
    for operation in trimmed["operations"].values():
        # Where a table is named by its ARN it decides about the endpoint; botocore looks for that at each item of a
        # transaction. Here tables have names.
        operation.pop("operationContextParams", None)
    for parameter in trimmed.get("clientContextParams", {}).values():
        parameter["documentation"] = ""  # botocore fails on one that has none
    return trimmed


def without_documentation(value: Any) -> Any:
    """The same data without prose. A `documentation` that is not text is a member of that name, and stays."""
    if isinstance(value, dict):
        return {
            key: without_documentation(entry)
            for key, entry in value.items()
            if not (key == "documentation" and isinstance(entry, str))
        }
    if isinstance(value, list):
        return [without_documentation(entry) for entry in value]
    return value


def _reachable_shapes(operations: Mapping[str, Any], shapes: Mapping[str, Any]) -> dict[str, Any]:
    waiting = list(_shape_names(operations))
    reached: dict[str, Any] = {}
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached[name] = shapes[name]
            waiting.extend(_shape_names(shapes[name]))
    return {name: reached[name] for name in sorted(reached)}


def _shape_names(value: Any) -> Iterable[str]:
    if isinstance(value, dict):
        for key, entry in value.items():
            if key == "shape" and isinstance(entry, str):
                yield entry
            else:
                yield from _shape_names(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _shape_names(entry)


def _trim_service(folder: Path, operations: frozenset[str]) -> None:
    versions = sorted(entry for entry in folder.iterdir() if _stored(entry, SERVICE_MODEL))
    latest = versions[-1]
    model = trimmed_model(_read(_one(latest, SERVICE_MODEL)), operations)
    rules = without_documentation(_read(_one(latest, ENDPOINT_RULES)))
    paginators = _read(_one(latest, PAGINATORS))
    paginators["pagination"] = {name: entry for name, entry in paginators["pagination"].items() if name in operations}
    # Extras are amendments that botocore merges into the file whose name they begin with.
    extras = {file.name: _read(file) for file in sorted(latest.glob(f"{SERVICE_MODEL}.*-extras.json*"))}
    shutil.rmtree(folder)
    latest.mkdir(parents=True)
    _write(latest / f"{SERVICE_MODEL}.json", model)
    _write(latest / f"{ENDPOINT_RULES}.json", rules)
    _write(latest / f"{PAGINATORS}.json", paginators)
    for name, content in extras.items():
        _write(latest / name.removesuffix(".gz"), content)


def _trim_endpoints(file: Path, services: Iterable[str]) -> None:
    endpoints = _read(file)
    for partition in endpoints["partitions"]:
        partition["services"] = {name: entry for name, entry in partition["services"].items() if name in services}
    _write(file, endpoints)


def _trim_retries(file: Path, services: Iterable[str]) -> None:
    retries = _read(file)
    kept = {"__default__", *services}
    retries["retry"] = {name: entry for name, entry in retries["retry"].items() if name in kept}
    _write(file, retries)


def _stored(version: Path, kind: str) -> list[Path]:
    return [file for file in (version / f"{kind}.json", version / f"{kind}.json.gz") if file.exists()]


def _one(version: Path, kind: str) -> Path:
    found = _stored(version, kind)
    if not found:
        raise SystemExit(f"{version} has no {kind}")
    return found[0]


def _read(file: Path) -> Any:
    content = file.read_bytes()
    return json.loads(gzip.decompress(content) if file.suffix == ".gz" else content)


def _write(file: Path, content: Any) -> None:
    file.write_text(json.dumps(content, separators=(",", ":")))


def main(arguments: list[str]) -> None:
    """Trims the botocore in the folder that is named on the command line."""
    if len(arguments) not in (1, 2):
        raise SystemExit(__doc__)
    botocore = Path(arguments[0]) / "botocore"
    trim(botocore, operations_in_use(Path(arguments[1])) if len(arguments) == 2 else operations_in_use())
    choose_roots(botocore)


if __name__ == "__main__":
    main(sys.argv[1:])
