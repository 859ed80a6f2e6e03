"""The layer's trimmed botocore can still do everything that the code asks of it, exactly as the whole one would."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.session import Session

from layers.dependencies import trim

ROOT = Path(__file__).parents[2]
WHOLE = Path(botocore.__file__).parent / "data"
IN_USE = trim.operations_in_use()
OPERATIONS = [(service, operation) for service in sorted(IN_USE) for operation in sorted(IN_USE[service])]
REGIONS = ["eu-central-1", "us-east-1", "cn-north-1", "us-gov-west-1"]

# Methods of a client that are no operations but take the name of one, as its method is called, first.
TAKE_AN_OPERATION = {"generate_presigned_url", "get_paginator"}
# Methods and attributes of a client that need no operation of the model beyond what botocore itself calls.
NEED_NONE = {"generate_presigned_post", "exceptions", "meta", "close"}


@pytest.fixture(scope="module")
def trimmed(tmp_path_factory: pytest.TempPathFactory) -> Loader:
    """A loader of botocore's data as the layer has it, and of nothing else."""
    package = tmp_path_factory.mktemp("layer") / "botocore"
    (package / "data").mkdir(parents=True)
    for file in WHOLE.glob("*.json"):
        shutil.copy(file, package / "data")
    for service in [*IN_USE, "sts", "lambda"]:
        shutil.copytree(WHOLE / service, package / "data" / service)
    trim.trim(package, IN_USE)
    return BuiltIn(package / "data")


@pytest.fixture(scope="module")
def whole() -> Loader:
    return BuiltIn(WHOLE)


class BuiltIn(Loader):
    """Takes a folder for botocore's own data: endpoints found elsewhere count as overrides, which resolve otherwise."""

    def __init__(self, data: Path) -> None:
        super().__init__(extra_search_paths=[str(data)], include_default_search_paths=False)
        self.BUILTIN_DATA_PATH = str(data)


def session_of(loader: Loader) -> Session:
    session = Session()
    session.register_component("data_loader", loader)
    session.set_credentials("key", "secret")
    return session


def model_of(loader: Loader, service: str) -> ServiceModel:
    return ServiceModel(loader.load_service_model(service, "service-2"), service_name=service)


def meaning(shape: Shape | None, seen: tuple[str, ...] = ()) -> Any:
    """Everything about a shape that decides how it is written, read and checked."""
    if shape is None or shape.name in seen:
        return shape and shape.name
    inner = (*seen, shape.name)
    parts: dict[str, Any] = {
        "type": shape.type_name,
        "serialization": dict(shape.serialization),
        "metadata": dict(shape.metadata),
    }
    for part in ("member", "key", "value"):
        if part == "member" or shape.type_name == "map":
            parts[part] = meaning(getattr(shape, part, None), inner)
    for name, member in getattr(shape, "members", {}).items():
        parts[f".{name}"] = meaning(member, inner)
    return parts


def contract(operation: OperationModel) -> dict[str, Any]:
    """Everything about an operation that decides what is sent for it and how the answer is read."""
    errors: Any = operation.error_shapes
    return {
        "http": operation.http,
        "input": meaning(operation.input_shape),
        "output": meaning(operation.output_shape),
        "errors": {shape.error_code: meaning(shape) for shape in errors},
        "auth": (operation.auth, operation.auth_type, operation.unsigned_payload),
        "checksum": operation.http_checksum,
        "compression": operation.request_compression,
        "endpoint": (operation.endpoint, operation.static_context_parameters, operation.context_parameters),
        "idempotent_members": operation.idempotent_members,
    }


def calls_in(source: str, name: str) -> Iterator[tuple[str, str]]:
    """(service, method) for each call on a client that `batchyard.store.clients` makes."""
    tree = ast.parse(source)
    parents = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "batchyard.store.clients":
            raise AssertionError(f"{name}:{node.lineno}: import the module `clients`, so that this test sees its use")
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in IN_USE):
            continue
        if ast.unparse(node.func.value) != "clients":
            continue
        service, used = node.func.attr, parents[node]
        where = f"{name}:{node.lineno}"
        assert isinstance(used, ast.Attribute), f"{where}: call the client where it is made, so that this test sees it"
        if used.attr in TAKE_AN_OPERATION:
            call = parents[used]
            named = call.args[0] if isinstance(call, ast.Call) and call.args else None
            assert isinstance(named, ast.Constant), f"{where}: name the operation there, so that this test sees it"
            yield service, str(named.value)
        elif used.attr not in NEED_NONE:
            yield service, used.attr


def test_the_operations_listed_are_those_that_the_code_calls() -> None:
    called: dict[str, set[str]] = {service: set() for service in IN_USE}
    for folder in ("functions", "layers/batchyard/batchyard"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            for service, method in calls_in(file.read_text(), str(file.relative_to(ROOT))):
                called[service].add(method)
    listed = {
        service: {xform_name(operation) for operation in operations - trim.CALLED_BY_BOTOCORE.get(service, frozenset())}
        for service, operations in IN_USE.items()
    }
    assert called == listed


def test_clients_are_made_in_one_place_only() -> None:
    makers = {
        str(file.relative_to(ROOT))
        for folder in ("functions", "layers/batchyard/batchyard")
        for file in (ROOT / folder).rglob("*.py")
        if "create_client(" in file.read_text()
    }
    # The operator's commands run where botocore is whole, on the operator's machine.
    of_operator = {f"layers/batchyard/batchyard/{name}.py" for name in ("operator", "dead_letters")}
    assert makers - of_operator == {"layers/batchyard/batchyard/store/clients.py"}


@pytest.mark.parametrize(
    "source", ["client = clients.s3()", "clients.s3().get_paginator(name)", "from batchyard.store.clients import s3"]
)
def test_a_client_call_that_the_test_cannot_see_is_refused(source: str) -> None:
    with pytest.raises(AssertionError, match="so that this test sees"):
        list(calls_in(source, "some.py"))


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_an_operation_of_trimmed_botocore_is_unchanged(
    trimmed: Loader, whole: Loader, service: str, operation: str
) -> None:
    kept = contract(model_of(trimmed, service).operation_model(operation))
    assert kept == contract(model_of(whole, service).operation_model(operation))


@pytest.mark.parametrize("service", sorted(IN_USE))
def test_a_client_of_trimmed_botocore_is_unchanged(trimmed: Loader, whole: Loader, service: str) -> None:
    for region in REGIONS:
        kept, original = (session_of(loader).create_client(service, region) for loader in (trimmed, whole))
        assert kept.meta.endpoint_url == original.meta.endpoint_url
        assert vars(kept.meta.config)["signature_version"] == vars(original.meta.config)["signature_version"]
        assert kept.meta.partition == original.meta.partition
        assert kept.meta.service_model.metadata == original.meta.service_model.metadata
        for operation in IN_USE[service]:
            assert kept.can_paginate(xform_name(operation)) == original.can_paginate(xform_name(operation))


@pytest.mark.parametrize("region", REGIONS)
def test_presigned_requests_go_to_the_same_place(trimmed: Loader, whole: Loader, region: str) -> None:
    places = []
    for loader in (trimmed, whole):
        client: Any = session_of(loader).create_client("s3", region)
        url = client.generate_presigned_url("get_object", {"Bucket": "some-bucket", "Key": "logs/1"})
        post = client.generate_presigned_post("some-bucket", "uploads/1")
        places.append((url.partition("?")[0], post["url"], sorted(post["fields"])))
    assert places[0] == places[1]


def test_trimmed_botocore_has_no_other_operations(trimmed: Loader) -> None:
    assert trimmed.list_available_services("service-2") == sorted(IN_USE)
    for service, operations in IN_USE.items():
        assert set(model_of(trimmed, service).operation_names) == operations
    for partition in trimmed.load_data("endpoints")["partitions"]:
        assert partition["services"].keys() <= IN_USE.keys()


def test_retries_of_trimmed_botocore_are_unchanged(trimmed: Loader, whole: Loader) -> None:
    kept, original = trimmed.load_data("_retry"), whole.load_data("_retry")
    assert kept["definitions"] == original["definitions"]
    for service in ["__default__", *IN_USE]:
        assert kept["retry"].get(service) == original["retry"].get(service)


def test_prose_goes_and_a_member_called_documentation_stays() -> None:
    shape = {"documentation": "<p>A page.</p>", "members": {"documentation": {"shape": "Text", "documentation": "…"}}}
    assert trim.without_documentation(shape) == {"members": {"documentation": {"shape": "Text"}}}


def test_an_operation_that_does_not_exist_stops_the_build(whole: Loader) -> None:
    with pytest.raises(SystemExit, match="PutIten"):
        trim.trimmed_model(whole.load_service_model("dynamodb", "service-2"), frozenset({"PutIten"}))
