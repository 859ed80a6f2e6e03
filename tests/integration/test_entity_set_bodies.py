"""Bodies that are sent to entity sets, as public reports tell of them: what is taken, and what is told of a refusal."""

from typing import Any

import pytest

from tests.integration.test_entity_sets_reading import asked, filtered, ids
from tests.integration.test_entity_sets_writing import made, shown, wrong
from tests.support.api import Api

EARLIEST, LATEST = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z"
"""What .NET sends where nobody set a date, and for a date that is never to come."""


@pytest.mark.parametrize("name", ["ReceivedDateUtc", "BlockedDateUtc", "BlockedFromAdvertisingDateUtc"])
def test_a_date_may_be_any_of_four_digits(api: Api, name: str) -> None:
    early, late = made(api, "A", **{name: EARLIEST}), made(api, "B", **{name: LATEST})
    assert shown(api, early)[name] == "0001-01-01T00:00:00.000000Z"
    assert shown(api, late)[name] == "9999-12-31T23:59:59.999999Z"
    assert ids(asked(api, filtered(f"{name} lt 1000-01-01"))) == [early]
    assert ids(asked(api, filtered(f"{name} gt 9999-01-01"))) == [late]
    assert ids(asked(api, filtered(f"year({name}) eq 9999"))) == [late]
    assert ids(asked(api, f"Products?$orderby={name}%20desc&$select=ID")) == [late, early]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"Cost": 2**54}, ["Cost: "]),
        ({"RetailPrice": -(2**54)}, ["RetailPrice: "]),
        ({"MultipackQuantity": 2**31}, ["MultipackQuantity "]),
        ({"BundleComponents": [{"ComponentSku": "B", "Quantity": 0}]}, ["BundleComponents: "]),
        ({"IsParent": True, "BundleComponents": [{"ComponentSku": "B", "Quantity": 1}]}, ["BundleComponents: "]),
        ({"Attributes": [{"Name": f"N{one}", "Value": ""} for one in range(251)]}, ["Attributes: ", "251"]),
    ],
)
def test_an_impossible_value_is_told_by_its_name_in_the_model(api: Api, given: Any, words: list[str]) -> None:
    made(api, "B")
    answer = api.post("/v1/Products", {"Sku": "A", **given})
    wrong(answer, 400, *words)
    if not {"IsParent", "BundleComponents", "Attributes"} & given.keys():
        wrong(api.patch(f"/v1/Products({made(api, 'C')})", given), 400, *words)


def test_an_impossible_quantity_is_told_by_its_name_in_the_model(api: Api) -> None:
    id, parent = made(api, "A"), made(api, "P", IsParent=True)
    for key in (f"ProductID={id},DistributionCenterID=99", f"ProductID={parent},DistributionCenterID=0"):
        wrong(api.put(f"/v1/DCQuantities({key})", {"AvailableQuantity": 1}), 400, "AvailableQuantity: ")
    update = {"Value": {"Updates": [{"DistributionCenterID": 99, "Quantity": 1}]}}
    wrong(api.post(f"/v1/Products({id})/UpdateQuantity", update), 400, "Quantity: ", "99")
