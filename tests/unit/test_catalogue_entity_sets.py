"""Addresses of the catalogue that have no place in a batch, and where they go instead."""

import pytest

from batchyard.catalogue.entity_sets.aliases import refusal_in_batches
from batchyard.errors import Malformed
from batchyard.odata.urls import parse


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
@pytest.mark.parametrize(
    ("alias", "real"),
    [
        ("Products(1)/Attributes('N')", "AttributeValues(ProductID=1,Name='N')"),
        ("Products(ID=1)/Attributes(Name='it''s')", "AttributeValues(ProductID=1,Name='it''s')"),
        ("Products(1)/Images('P')", "Images(ProductID=1,PlacementName='P')"),
        ("Products(1)/Labels('L')", "ProductLabels(ProductID=1,Name='L')"),
        ("Products(1)/BundleComponents(2)", "ProductBundleComponents(ProductID=1,ComponentID=2)"),
        ("Products(1)/DCQuantities(3)", "DCQuantities(ProductID=1,DistributionCenterID=3)"),
    ],
)
def test_an_alias_of_an_entity_set_in_a_batch_names_its_real_path(method: str, alias: str, real: str) -> None:
    refusal = refusal_in_batches(method, parse(alias))
    assert refusal is not None
    assert f"/v1/{real}." in refusal


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_exports_are_files(method: str) -> None:
    refusal = refusal_in_batches(method, parse("Orders(5)/Export"))
    assert refusal is not None
    assert "/v1/Orders(5)/Export by itself" in refusal


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "Products(1)/Attributes('N')"),
        ("POST", "Products(1)/Attributes"),
        ("PATCH", "Products(1)"),
        ("PATCH", "AttributeValues(ProductID=1,Name='N')"),
        ("POST", "Products(1)/UpdateAttributes"),
        ("GET", "Orders(5)"),
        ("GET", "Orders(5)/Export/More"),
        ("PATCH", "Products(1)/Attributes('N')/Value"),
        ("PUT", ""),
    ],
)
def test_other_entity_set_paths_are_allowed_in_a_batch(method: str, path: str) -> None:
    assert refusal_in_batches(method, parse(path)) is None


def test_an_alias_with_a_wrong_key_is_malformed() -> None:
    for path in ("Products/Attributes('N')", "Products(1)/Attributes", "Products(1)/Attributes(A='N',B=1)"):
        with pytest.raises(Malformed):
            refusal_in_batches("PATCH", parse(path))
