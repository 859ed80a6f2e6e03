"""The made-up shop must be the same for the same seed, and look like a shop: the demonstration checks against it."""

from collections import Counter
from datetime import datetime
from decimal import Decimal

import pytest

from tools import marketplace
from tools.marketplace import FULL_LOAD, LARGEST_LOAD, SMALLEST_LOAD, Load, Marketplace


@pytest.fixture(scope="module")
def shop() -> Marketplace:
    return marketplace.make()


def load_that_ends(shop: Marketplace, status: str) -> Load:
    return next(load for load in shop.loads if load.ends == status)


def test_the_made_up_shop_follows_from_its_seed(shop: Marketplace) -> None:
    again = marketplace.make()
    assert again == shop
    assert [load.log() for load in again.loads] == [load.log() for load in shop.loads]
    assert marketplace.make(seed=2) != shop


def test_the_made_up_shop_is_as_large_as_asked(shop: Marketplace) -> None:
    assert len(shop.products) == len(shop.stocks) == 4_000
    assert len(shop.prices) > FULL_LOAD
    assert len(marketplace.make(products=40).products) == 40
    assert marketplace.make(products=0).loads == ()


def test_loads_are_of_the_usual_size_besides_the_full_price_list(shop: Marketplace) -> None:
    sizes = [sum(map(len, load.commits)) for load in shop.loads if load.ends != "initialized"]
    assert sizes.count(FULL_LOAD) == 1
    rows = [len(load.rows) for load in shop.loads if load.ends != "initialized" and len(load.rows) != FULL_LOAD]
    assert min(rows) >= SMALLEST_LOAD
    assert max(rows) <= LARGEST_LOAD


def test_every_row_of_the_shop_is_in_one_load(shop: Marketplace) -> None:
    carried = Counter((row.content_type, row.pk) for load in shop.loads for row in load.rows)
    everything = {(row.content_type, row.pk) for row in (*shop.products, *shop.stocks, *shop.prices)}
    assert set(carried) <= everything
    assert set(carried.values()) == {1}
    # The load that is only opened carries nothing yet.
    assert SMALLEST_LOAD <= len(everything) - len(carried) <= LARGEST_LOAD


def test_barcodes_are_real_except_for_the_refused_ones(shop: Marketplace) -> None:
    assert marketplace.check_digit("400638133393") == 1
    refused = {
        outcome.record.payload["ean"]
        for load in shop.loads
        for outcome in load.refused
        if outcome.record.content_type == "product" and outcome.failed_reason_type == "remote"
    }
    answered = [outcome.record for load in shop.loads for outcome in load.outcomes]
    eans = [str(row.payload["ean"]) for row in answered if row.content_type == "product"]
    wrong = {ean for ean in eans if marketplace.check_digit(ean[:-1]) != int(ean[-1])}
    assert refused
    assert refused <= wrong
    assert all(len(ean) == 13 for ean in eans)


def test_prices_are_in_several_currencies_and_skus_are_unique(shop: Marketplace) -> None:
    assert len({row.payload["sku"] for row in shop.products}) == len(shop.products)
    assert {row.payload["sku"] for row in shop.prices} == {row.payload["sku"] for row in shop.products}
    assert len({row.payload["currency"] for row in shop.prices}) == 6
    assert all(Decimal(str(row.payload["amount"])) >= 0 for row in shop.prices)


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_a_few_per_cent_of_objects_are_refused_for_each_reason(seed: int) -> None:
    done = [load for load in marketplace.make(seed=seed, products=1_500).loads if load.ends == "done"]
    reasons = Counter(outcome.failed_reason_type for load in done for outcome in load.outcomes)
    assert set(reasons) == {None, "mapping", "remote", "channel_app"}
    assert 0.02 < 1 - reasons[None] / reasons.total() < 0.08


def test_an_outcome_has_a_remote_id_or_a_reason(shop: Marketplace) -> None:
    outcomes = [outcome for load in shop.loads for outcome in load.outcomes]
    assert all((outcome.remote_id is None) == (outcome.failed_reason_type is not None) for outcome in outcomes)
    assert all(outcome.message for outcome in outcomes)
    assert {type(outcome.remote_id) for outcome in outcomes} == {str, int, type(None)}


def test_loads_end_in_every_status_and_carry_what_belongs_to_it(shop: Marketplace) -> None:
    assert Counter(load.ends for load in shop.loads) == {
        "done": len(shop.loads) - 9,
        "fail": 3,
        "sent_to_remote": 2,
        "ongoing": 2,
        "commit": 1,
        "initialized": 1,
    }
    for load in shop.loads:
        rows = {(row.content_type, row.pk) for row in load.rows}
        answered = {(outcome.record.content_type, outcome.record.pk) for outcome in load.outcomes}
        assert answered == rows if load.ends == "done" else answered <= rows
    ongoing = load_that_ends(shop, "ongoing")
    assert ongoing.outcomes == ongoing.refused
    assert load_that_ends(shop, "fail").outcomes == ()
    assert load_that_ends(shop, "initialized").commits == ()


def test_a_row_that_changed_is_committed_again_in_a_newer_version(shop: Marketplace) -> None:
    load = next(load for load in shop.loads if len(load.commits) > 1)
    committed = [row for rows in load.commits for row in rows]
    assert len(committed) > len(load.rows)
    for row in load.rows:
        versions = [
            other.version_date for other in committed if (other.content_type, other.pk) == (row.content_type, row.pk)
        ]
        assert row.version_date == max(versions)
    assert all(datetime.fromisoformat(row.version_date).tzinfo for row in committed)


def test_the_first_load_mixes_content_types_with_the_same_primary_keys(shop: Marketplace) -> None:
    pks = {kind: {row.pk for row in shop.loads[0].rows if row.content_type == kind} for kind in ("product", "stock")}
    assert pks["product"] == pks["stock"] != set()


def test_the_log_file_of_a_load_has_each_row(shop: Marketplace) -> None:
    load = shop.loads[0]
    lines = load.log().splitlines()
    assert len(lines) == len(load.outcomes) + 2
    for line, outcome in zip(lines[1:-1], load.outcomes, strict=True):
        assert f" {outcome.record.content_type} {outcome.record.pk} {outcome.record.payload['sku']} " in line
        assert outcome.message in line
        assert (outcome.failed_reason_type is None) == (" accepted: " in line)
    assert lines[-1].endswith(f"{len(load.accepted)} accepted, {len(load.refused)} refused")
    assert "turned the feed down" in load_that_ends(shop, "fail").log()


def test_the_verbose_log_holds_what_was_sent(shop: Marketplace) -> None:
    load = shop.loads[0]
    verbose = load.log(verbose=True)
    assert str(load.rows[0].payload["name"]) in verbose
    assert [line for line in verbose.splitlines() if " DEBUG " not in line] == load.log().splitlines()
