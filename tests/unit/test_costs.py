"""`docs/cost.md`: each route has its line, and its dollars are those of the prices."""

import json
import re

import pytest

from tests.benchmarks.costs import tables
from tests.benchmarks.costs.prices import FILE, Cost, Place, billed_ms, dollars_a_million
from tests.benchmarks.costs.requests import KEY_AUTHORIZER, Run, behind, routes
from tests.benchmarks.costs.sizes import sizes
from tests.benchmarks.report import number
from tools.generate import ROOT
from tools.template import api_methods, resources

PARTS = {"routes": routes, "behind": behind, "sizes": sizes}
NOTHING = Cost({}, 0, 0, 0, 0, 0)

RUNS = [(part, run) for part, runs in PARTS.items() for run in runs()]


@pytest.mark.parametrize("part", PARTS)
def test_each_request_has_a_line_of_the_cost_tables(part: str):
    assert list(tables.read(part)) == [run.name for run in PARTS[part]()]


def test_the_cost_of_each_route_and_function_is_measured():
    table = json.loads((ROOT / "functions" / "gateway" / "routes.json").read_text())
    served = {f"{method} {path}" for path, methods in table.items() for method in methods if method != "HEAD"}
    functions = set(resources("AWS::Serverless::Function"))

    assert {one for one in served if not one.startswith("OPTIONS ")} <= {run.name for run in routes()}
    assert {run.function for run in routes()} == {one.function for one in api_methods()}
    assert {run.function for run in (*routes(), *behind())} == functions


@pytest.mark.parametrize(("part", "run"), RUNS, ids=[run.name for _, run in RUNS])
def test_dollars_follow_from_measured_costs(part: str, run: Run):
    authorizer, _ = tables.read("behind")[KEY_AUTHORIZER]
    cost, cells = tables.read(part)[run.name]
    dollars = dollars_a_million(cost, tables.place_of(run, authorizer))

    # The line has its figures rounded, of which they were computed.
    assert float(cells[-1]) == pytest.approx(dollars, abs=0.02)
    assert cells[5] == number(billed_ms(cost, run.memory_mb), 0) or cells[5] in _neighbours(cost, run)


def _neighbours(cost: Cost, run: Run) -> set[str]:
    return {number(billed_ms(cost, run.memory_mb) + change, 0) for change in (-0.1, 0.1)}


def test_prices_are_dated_and_have_a_source():
    file = json.loads(FILE.read_text())

    assert file["region"] == "us-east-1"
    for price in file["list prices"].values():
        assert re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", price["known of"])
        assert price["source"].startswith("https://aws.amazon.com/")
    assert tables.between(tables.DOCUMENT.read_text(), "prices") == tables.prices_table()


def test_a_request_is_paid_at_the_gateway_and_a_trigger_is_not():
    routed, other = (dollars_a_million(NOTHING, Place(1024, routed=routed)) for routed in (True, False))

    # 3.50 for the gateway, 0.60 for the firewall, 0.25 for traces, 0.036 for headers; more is logged, too.
    assert routed - other == pytest.approx(3.50 + 0.60 + 0.25 + 0.036 + 0.275)


def test_writes_reads_and_calls_are_paid_by_their_prices():
    place = Place(1024, routed=False)
    cost = Cost({"PutItem": 1, "S3 PUT": 2, "PutEvents": 3}, 4, 5, 0, 0, 0)
    waited = (5 + 2 * 25 + 3 * 10) / 1000 * 0.0000133334 * 1_000_000

    assert dollars_a_million(cost, place) - dollars_a_million(NOTHING, place) == pytest.approx(
        4 * 0.125 + 5 * 0.625 + 2 * 5 + 3 * 1 + waited
    )


def test_billed_time_depends_on_memory():
    cost = Cost({}, 0, 0, 10, 0, 0)

    assert billed_ms(cost, 1769) == 10
    assert billed_ms(cost, 1024) == pytest.approx(17.3, abs=0.05)
    assert billed_ms(cost, 3000) == 10


def test_an_authorizer_that_is_asked_each_time_is_paid_each_time():
    place = Place(1024, routed=False)
    asked = Place(1024, routed=True, authorizer=(NOTHING, place))

    assert dollars_a_million(NOTHING, asked) - dollars_a_million(NOTHING, Place(1024, routed=True)) == pytest.approx(
        dollars_a_million(NOTHING, place)
    )
