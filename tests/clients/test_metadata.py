"""`$metadata`, as the OASIS schemas and the readers of published tools find it."""

import httpx
import pytest
import xmlschema

from batchyard.catalogue.entity_sets.model import MODEL
from tests.clients import published
from tests.clients.conftest import Site

SCHEMAS = published.FOLDER / "node_modules" / "odata-csdl" / "schemas"


@pytest.fixture(scope="module")
def metadata(site: Site) -> str:
    answer = httpx.get(f"{site.base}/v1/$metadata", headers={"Authorization": f"Bearer {site.key}"})
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.fixture(scope="module")
def schema() -> xmlschema.XMLSchema:
    """OASIS's schemas of CSDL 4.01 XML; `edmx.xsd` takes in the other one, which lies beside it."""
    return xmlschema.XMLSchema(SCHEMAS / "edmx.xsd", allow="local")


def test_the_schema_of_oasis_finds_nothing(metadata: str, schema: xmlschema.XMLSchema) -> None:
    schema.validate(metadata)
    # It would find something.
    assert not schema.is_valid(metadata.replace('Type="Edm.String"', 'Typ="Edm.String"', 1))


def test_the_converter_of_oasis_reads_all_metadata(metadata: str) -> None:
    converted = published.call("csdl.js", "convert", xml=metadata)
    assert converted["messages"] == []
    namespace = converted["json"][MODEL.namespace]
    for name, entity_type in MODEL.types.items():
        read = namespace[name]
        assert tuple(read["$Key"]) == entity_type.key
        of_kind = {
            kind: {member for member, one in read.items() if member[0] not in "$@" and one.get("$Kind") == kind}
            for kind in (None, "NavigationProperty")
        }
        assert of_kind == {None: set(entity_type.properties), "NavigationProperty": set(entity_type.navigations)}
    assert set(MODEL.actions) <= {name for name, one in namespace.items() if isinstance(one, list)}
    container = namespace[converted["json"]["$EntityContainer"].rpartition(".")[2]]
    sets = {name: one["$Type"] for name, one in container.items() if name[0] not in "$@"}
    assert sets == {name: f"{MODEL.namespace}.{one.type.name}" for name, one in MODEL.sets.items()}
