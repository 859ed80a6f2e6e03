"""python-odata: classes of entities made from `$metadata`, which are changed and saved."""

from typing import Any

import requests
from odata.flags import ODataServerFlags

# The package of that name, which the environment of clients has; here it is a folder of functions.
from odata import ODataService  # type: ignore[attr-defined]

JSON = dict[str, Any]


def _service(given: JSON, *, without_nulls: bool = False) -> ODataService:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {given['key']}"
    return ODataService(
        f"{given['base']}/v1/",
        reflect_entities=True,
        session=session,
        quiet_progress=True,
        server_flags=ODataServerFlags(skip_null_properties=without_nulls),
    )


def _shown(entity: Any) -> JSON:
    return {one.name: getattr(entity, name) for name, one in entity.__odata__.properties}


def _saved(service: ODataService, entity: Any, values: JSON) -> JSON:
    for name, value in values.items():
        setattr(entity, name, value)
    service.save(entity)
    return _shown(entity)


def types(given: JSON) -> JSON:
    return {name: one.__odata_type__.rpartition(".")[2] for name, one in _service(given).entities.items()}


def find(given: JSON) -> Any:
    service = _service(given)
    products = service.entities["Products"]
    query = service.query(products)
    wanted = products.Sku == given["skus"][0]
    for sku in given["skus"][1:]:
        wanted = query.or_(wanted, products.Sku == sku)
    query = query.filter(wanted).expand(products.Attributes).order_by(products.Sku.desc()).limit(given["top"])
    return [_shown(one) | {"Attributes": [_shown(part) for part in one.Attributes]} for one in query]


def names_of_attributes(given: JSON) -> Any:
    service = _service(given)
    return [one.Name for one in service.query(service.entities["AttributeValues"])]


def read(given: JSON) -> JSON:
    service = _service(given)
    return _shown(service.query(service.entities["Products"]).get(given["id"]))


def create(given: JSON) -> JSON:
    # It would send null for all that is not given, also where null is no value.
    service = _service(given, without_nulls=True)
    return _saved(service, service.entities["Products"](), given["entity"])


def change(given: JSON) -> JSON:
    service = _service(given)
    return _saved(service, service.query(service.entities["Products"]).get(given["id"]), given["values"])


def remove(given: JSON) -> None:
    service = _service(given)
    service.delete(service.query(service.entities["Products"]).get(given["id"]))


def act(given: JSON) -> None:
    service = _service(given)
    entity = service.query(service.entities["Products"]).get(given["id"])
    getattr(entity, given["action"])(Value=given["value"])
