"""Made-up catalogues: the same for the same seed, possible, and in the store as they were made."""

from collections import Counter

import pytest

from batchyard.catalogue import limits, reference
from tests.support.catalogue import entities, must_be_whole, stored_products
from tools import catalogue


def test_a_made_up_catalogue_follows_from_its_seed() -> None:
    first = list(catalogue.made_up(300, 5))
    assert first == list(catalogue.made_up(300, 5))
    other = list(catalogue.made_up(300, 6))
    for of in (lambda one: [one.product.id], lambda one: [one.product.handle], lambda one: list(one.product.skus)):
        names = [name for one in (*first, *other) for name in of(one)]
        assert len(set(names)) == len(names)


def test_a_made_up_catalogue_is_valid_and_of_all_kinds() -> None:
    made = [one.product for one in catalogue.made_up(500, 2, sales_channels=("sc_1", "sc_2"))]
    for product in made:
        limits.check(product)
    ids = [id for product in made for id in product.entities]
    assert sorted(ids) == list(range(1, len(ids) + 1))
    sizes = Counter(len(product.variants) for product in made)
    assert {1, 2, 4, 7, 14, 28} == set(sizes)
    assert {price.currency for product in made for one in product.variants for price in one.prices} > {"jpy", "kwd"}
    [large] = catalogue.made_up(1, 3, variants=2048)
    limits.check(large.product)


@pytest.mark.usefixtures("stores")
def test_a_made_up_catalogue_is_stored_as_it_was_made() -> None:
    made = catalogue.fill(12, 4)
    stored = stored_products()
    assert [stored[one.product.id].variants for one in made] == [one.product.variants for one in made]
    quantities = {id: dict(entity.quantities) for id, entity in entities().items() if entity.quantities}
    assert quantities == {id: pieces for one in made for id, pieces in one.stock.items()}
    assert {region.name for region in reference.regions()} == set(catalogue.REGIONS)
    assert len(catalogue.fill(1, 5)) == 1
    must_be_whole()
