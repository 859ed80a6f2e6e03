"""Lists of batch requests: filters, orderings, pages, and what they cost."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

import pytest

from batch_requests import tally
from batchyard.batch_requests import repository
from batchyard.store import clients
from tests.integration.conftest import Calls
from tests.support.api import Api, batches, caller_with
from tests.support.streams import Stream, deliver

COLUMNS = {
    "pk": "pk",
    "created_date": "pk",
    "modified_date": "modified_date",
    "status": "status",
    "content_type": "content_type",
}
STATUSES = ("initialized", "commit", "sent_to_remote", "ongoing", "done", "fail")
TYPES = ("product", None, "price", "Ähnliches", "")


def populate(api: Api, channel: int, count: int) -> list[dict[str, Any]]:
    """Batch requests of all statuses and content types, changed in another order than they were opened in."""
    opened = [api.open_batch(channel)["pk"] for _ in range(count)]
    for position in sorted(range(count), key=lambda number: number * 7 % count):
        status, content_type = STATUSES[position * 5 % 6], TYPES[position * 3 % 5]
        way = {"sent_to_remote": ("commit", status), "ongoing": ("commit", "sent_to_remote", status)}
        for step in way.get(status, (status,)):
            changed = api.patch(batches(channel, opened[position]), {"content_type": content_type, "status": step})
            assert changed.status == 200
    return [api.get(batches(channel, pk)).json() for pk in opened]


def expected(population: Sequence[dict[str, Any]], ordering: str) -> list[int]:
    """Primary keys in order, sorted by Python: null after everything else, ties in the last column's direction."""
    wanted = [(name.removeprefix("-"), name.startswith("-")) for name in ordering.split(",") if name]
    wanted.append(("pk", wanted[-1][1] if wanted else False))
    rows = list(population)
    for name, descending in reversed(wanted):
        rows.sort(key=lambda one: (one[COLUMNS[name]] is None, one[COLUMNS[name]]), reverse=descending)
    return [one["pk"] for one in rows]


def walk(api: Api, channel: int, limit: int | None = None, **query: Any) -> Iterator[dict[str, Any]]:
    """Pages as clients get them: `page` counted up until `next` is null."""
    for number in itertools.count(1):
        parameters = {**query, "page": number, **({} if limit is None else {"limit": limit})}
        answer = api.get(f"{batches(channel)}?{urlencode(parameters, doseq=True)}")
        assert answer.status == 200, answer.text
        yield answer.json()
        if answer.json()["next"] is None:
            return


def pks(pages: Iterator[dict[str, Any]]) -> list[int]:
    """The primary keys on pages."""
    return [one["pk"] for page in pages for one in page["results"]]


def orderings(columns: int) -> list[str]:
    """Every sequence of so many columns, in every mix of directions."""
    return [
        ",".join(f"{sign}{name}" for sign, name in zip(signs, names, strict=True))
        for names in itertools.permutations(
            [name for name in COLUMNS if name != "created_date" or columns == 1], columns
        )
        for signs in itertools.product(("", "-"), repeat=columns)
    ]


def test_every_ordering_of_batch_requests_is_that_of_sorting_in_python(api: Api, channel: int) -> None:
    population = populate(api, channel, 14)
    for ordering in ["", *orderings(1), *orderings(2), *orderings(3)[::11], *orderings(4)[::95]]:
        found = pks(walk(api, channel, 100, ordering=ordering))
        assert found == expected(population, ordering), ordering


def test_every_ordering_of_batch_requests_goes_on_from_page_to_page(api: Api, channel: int) -> None:
    population = populate(api, channel, 12)
    for ordering in ["", *orderings(1), *orderings(2)[::3], *orderings(3)[::23]]:
        found = pks(walk(api, channel, 5, ordering=ordering))
        assert found == expected(population, ordering), ordering


def test_filters_choose_under_every_ordering(api: Api, channel: int) -> None:
    population = populate(api, channel, 16)
    for statuses, content_type, ordering in itertools.product(
        (["done"], ["ongoing", "sent_to_remote"], ["fail", "fail", "commit", "initialized"], list(STATUSES)),
        (None, "price", "never seen"),
        ("", "-modified_date", "-content_type,modified_date,status"),
    ):
        query: dict[str, Any] = {"status": statuses, "ordering": ordering}
        if content_type is not None:
            query["content_type"] = content_type
        wanted = expected(
            [one for one in population if one["status"] in statuses and content_type in (None, one["content_type"])],
            ordering,
        )
        assert pks(walk(api, channel, 3, **query)) == wanted, query


def test_a_filter_by_content_type_matches_exactly(api: Api, channel: int) -> None:
    population = populate(api, channel, 21)
    for content_type in ("product", "Product", "produc", "products", "product ", "1product"):
        found = api.get(f"{batches(channel)}?{urlencode({'content_type': content_type})}").json()
        assert [one["pk"] for one in found["results"]] == [
            one["pk"] for one in population if one["content_type"] == content_type
        ]


def test_empty_filters_are_ignored(api: Api, channel: int) -> None:
    population = populate(api, channel, 8)
    found = api.get(f"{batches(channel)}?status=&content_type=&ordering=&page=&limit=").json()
    assert [one["pk"] for one in found["results"]] == [one["pk"] for one in population]


def test_a_bad_status_is_refused_in_the_words_of_a_filter(api: Api, channel: int) -> None:
    for value in ("bogus", "DONE", "done,fail", " done", "\x00", "ü"):
        for query in ([value], ["done", value], [value, "done"]):
            answer = api.get(f"{batches(channel)}?{urlencode({'status': query}, doseq=True)}")
            assert answer.status == 400
            assert answer.json() == {"status": [f"Select a valid choice. {value} is not one of the available choices."]}


def test_unknown_names_in_an_ordering_are_ignored(api: Api, channel: int) -> None:
    population = populate(api, channel, 12)
    for given, means in (
        ("bogus", ""),
        ("-", ""),
        ("--pk", ""),
        ("PK", ""),
        ("objects,-pk,id", "-pk"),
        (" -pk , status", "-pk"),
        ("channel,-status,bogus,content_type", "-status,content_type"),
        ("status,-status,-pk", "status,-pk"),
        ("pk,-created_date", "pk"),
    ):
        assert pks(walk(api, channel, 100, ordering=given)) == expected(population, means), given


def test_the_oldest_batch_requests_come_first_by_default(api: Api, channel: int) -> None:
    opened = [api.open_batch(channel)["pk"] for _ in range(5)]
    api.patch(batches(channel, opened[0]), {"status": "commit"})
    assert pks(walk(api, channel)) == opened


def test_an_item_of_a_list_is_what_retrieving_it_answers(api: Api, channel: int) -> None:
    population = populate(api, channel, 7)
    api.patch(batches(channel, population[0]["pk"]), {"objects": [{"pk": 1, "version_date": "2026-11-22T02:50Z"}]})
    for one in api.get(f"{batches(channel)}?ordering=-modified_date").json()["results"]:
        assert api.get(batches(channel, one["pk"])).json() == one


def test_a_page_holds_twenty_unless_told_otherwise_and_a_hundred_at_most(api: Api, channel: int) -> None:
    for _ in range(101):
        api.open_batch(channel)
    for limit, size in (
        ("", 20),
        ("limit=1", 1),
        ("limit=7", 7),
        ("limit=100", 100),
        ("limit=101", 100),
        ("limit=99999999999999999999", 100),
        ("limit=0", 20),
        ("limit=-5", 20),
        ("limit=ten", 20),
        ("limit=", 20),
        ("limit=1.5", 20),
        ("limit=%D9%A5", 20),
        ("limit=5&limit=3", 3),
    ):
        assert len(api.get(f"{batches(channel)}?{limit}").json()["results"]) == size, limit


def test_an_empty_list_is_a_page_too(api: Api, channel: int) -> None:
    nothing: dict[str, Any] = {"count": 0, "next": None, "previous": None, "results": []}
    assert api.get(batches(channel)).text == '{"count":0,"next":null,"previous":null,"results":[]}'
    api.open_batch(channel)
    assert api.get(f"{batches(channel)}?status=done").json() == nothing
    assert api.get(f"{batches(channel)}?content_type=x&ordering=-status").json() == nothing
    for query in ("page=2", "status=done&page=2", "content_type=x&page=2&ordering=content_type,-pk"):
        answer = api.get(f"{batches(channel)}?{query}")
        assert (answer.status, answer.json()) == (404, {"detail": "Invalid page."})


def test_a_page_beyond_the_end_or_a_bad_page_is_invalid(api: Api, channel: int) -> None:
    for _ in range(6):
        api.open_batch(channel)
    for page in ("0", "-1", "4", "99", "999999999", "9" * 30, "x", "1.0", "last", "%D9%A1", "+1", "1%20"):
        for ordering in ("", "&ordering=-modified_date", "&ordering=content_type,-pk"):
            answer = api.get(f"{batches(channel)}?limit=2&page={page}{ordering}")
            assert (answer.status, answer.json()) == (404, {"detail": "Invalid page."}), page


def test_of_a_repeated_parameter_the_last_value_counts(api: Api, channel: int) -> None:
    opened = [api.open_batch(channel)["pk"] for _ in range(6)]
    answer = api.get(f"{batches(channel)}?limit=9&limit=2&page=1&page=2&ordering=pk&ordering=-pk").json()
    assert [one["pk"] for one in answer["results"]] == opened[::-1][2:4]
    following = api.get(answer["next"]).json()
    assert [one["pk"] for one in following["results"]] == opened[::-1][4:]
    assert [one["pk"] for one in api.get(answer["previous"]).json()["results"]] == opened[::-1][:2]


def test_pages_can_be_jumped_to(api: Api, channel: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Fewer keys than there are to pass over, as with thousands of them.
    monkeypatch.setattr(repository, "KEYS_AT_ONCE", 2)
    population = populate(api, channel, 13)
    for ordering in ("", "-pk", "-modified_date", "status,-pk", "content_type,modified_date", "-content_type,status"):
        wanted = expected(population, ordering)
        for number in (3, 5, 2, 4):
            page = api.get(f"{batches(channel)}?limit=3&page={number}&ordering={ordering}").json()
            assert [one["pk"] for one in page["results"]] == wanted[3 * (number - 1) : 3 * number], (ordering, number)
            assert (page["next"] is None) == (number == 5)
            assert page["previous"] is not None


def test_walks_through_pages_do_not_disturb_each_other(api: Api, channel: int) -> None:
    population = populate(api, channel, 12)
    colleague = Api(caller_with("colleague", "tok_other", channels=None))
    walks = {
        "a": walk(api, channel, 3),
        "b": walk(api, channel, 3, ordering="-pk"),
        "c": walk(api, channel, 4),
        "d": walk(colleague, channel, 3, status=list(STATUSES)),
        "e": walk(colleague, channel, 3),
    }
    found: dict[str, list[int]] = {name: [] for name in walks}
    for _ in range(5):
        for name, pages in walks.items():
            found[name] += [one["pk"] for page in itertools.islice(pages, 1) for one in page["results"]]
    for name, seen in found.items():
        assert seen == expected(population, "-pk" if name == "b" else "")


def test_batch_requests_opened_meanwhile_come_at_the_end_of_a_walk(api: Api, channel: int) -> None:
    opened = [api.open_batch(channel)["pk"] for _ in range(5)]
    pages, seen = walk(api, channel, 2), []
    for page in pages:
        seen += [one["pk"] for one in page["results"]]
        if len(opened) < 8:
            opened.append(api.open_batch(channel)["pk"])
    assert seen == opened


def test_a_walk_through_a_filter_misses_no_batch_request_while_statuses_change(api: Api, channel: int) -> None:
    opened = [api.open_batch(channel, status="commit")["pk"] for _ in range(9)]
    seen = []
    for page in walk(api, channel, 3, status="commit"):
        for one in page["results"]:
            seen.append(one["pk"])
            # What a worker does with what it finds: the list gets shorter while it is read.
            api.patch(batches(channel, one["pk"]), {"status": "fail"})
    assert seen == opened


def test_the_position_of_a_page_is_forgotten_after_a_while(
    api: Api, channel: int, at: Callable[[float], None], calls: Calls
) -> None:
    at(0)
    opened = [api.open_batch(channel)["pk"] for _ in range(9)]
    url = f"{batches(channel)}?limit=2"
    for page in (1, 2, 3):
        api.get(f"{url}&page={page}")
    for pk in opened[:4]:
        api.delete(batches(channel, pk))
    at(890)
    assert [one["pk"] for one in api.get(f"{url}&page=4").json()["results"]] == opened[6:8]
    at(2000)
    # Counted anew: two pages are gone.
    assert [one["pk"] for one in api.get(f"{url}&page=3").json()["results"]] == opened[8:]
    assert api.get(f"{url}&page=4").status == 404


def test_positions_of_pages_expire(api: Api, channel: int, stores: dict[str, str]) -> None:
    for _ in range(3):
        api.open_batch(channel)
    api.get(f"{batches(channel)}?limit=1")
    items = clients.dynamodb().scan(TableName=stores["EPHEMERA_TABLE"])["Items"]
    assert items
    assert all("expires" in item for item in items)


@pytest.mark.parametrize(
    ("query", "queries"),
    [
        ("", 1),
        ("ordering=-pk", 1),
        ("status=done", 1),
        ("status=done&ordering=-modified_date", 1),
        ("content_type=product&status=done", 1),
        ("ordering=modified_date", 6),
        ("content_type=product", 6),
        ("status=done&status=fail&ordering=-modified_date", 2),
    ],
)
def test_the_last_page_costs_as_many_store_calls_as_the_first(
    api: Api, channel: int, calls: Calls, query: str, queries: int
) -> None:
    for number in range(18):
        api.open_batch(channel, status=["done", "fail"][number // 9], content_type="product")
    costs = []
    for number in itertools.count(1):
        calls.clear()
        page = api.get(f"{batches(channel)}?limit=2&page={number}&{query}").json()
        costs.append(sorted(calls))
        if page["next"] is None:
            break
    assert len(costs) == (5 if query.count("status=") == 1 else 9)
    whole = [] if query in {"", "ordering=-pk"} else ["dynamodb.BatchGetItem"]
    count, place, next_place = ["dynamodb.Query"], ["dynamodb.Query"], ["dynamodb.PutItem"]
    page_itself = whole + ["dynamodb.Query"] * queries
    assert costs[0] == sorted(page_itself + count + next_place)
    assert all(cost == sorted(page_itself + count + place + next_place) for cost in costs[1:-1])
    assert costs[-1] == sorted(page_itself + count + place)


def test_lists_of_batch_requests_never_scan(api: Api, channel: int, calls: Calls) -> None:
    populate(api, channel, 7)
    calls.clear()
    for ordering in ("", "-modified_date", "content_type,-pk", "status,content_type"):
        list(walk(api, channel, 3, ordering=ordering))
    assert "dynamodb.Scan" not in calls


# Counts.


def test_the_count_is_exact_where_everything_fits_one_page(api: Api, channel: int) -> None:
    population = populate(api, channel, 12)
    for query, chosen in (
        ("", lambda one: True),
        ("status=done", lambda one: one["status"] == "done"),
        ("status=done&status=commit", lambda one: one["status"] in {"done", "commit"}),
        ("content_type=price", lambda one: one["content_type"] == "price"),
        ("content_type=price&status=fail", lambda one: (one["content_type"], one["status"]) == ("price", "fail")),
    ):
        assert api.get(f"{batches(channel)}?{query}").json()["count"] == sum(map(chosen, population))


def test_the_count_of_several_pages_is_that_of_the_tallies(api: Api, channel: int, stream: Stream) -> None:
    population = populate(api, channel, 12)
    deliver(tally.handler, stream.read())
    for query, chosen in (
        ("", lambda one: True),
        ("ordering=-modified_date", lambda one: True),
        ("status=done", lambda one: one["status"] == "done"),
        ("status=done&status=commit", lambda one: one["status"] in {"done", "commit"}),
        ("content_type=price", lambda one: one["content_type"] == "price"),
        ("content_type=price&status=fail", lambda one: (one["content_type"], one["status"]) == ("price", "fail")),
    ):
        total = sum(map(chosen, population))
        for number, page in enumerate(itertools.islice(_pages(api, channel, f"limit=2&{query}"), 20), 1):
            assert page["count"] == total, (query, number)


def _pages(api: Api, channel: int, query: str) -> Iterator[dict[str, Any]]:
    page = api.get(f"{batches(channel)}?{query}").json()
    yield page
    while page["next"]:
        page = api.get(page["next"]).json()
        yield page


def test_the_count_follows_removals_also_on_pages_that_were_walked_to_before(
    api: Api, channel: int, stream: Stream
) -> None:
    opened = [api.open_batch(channel)["pk"] for _ in range(9)]
    deliver(tally.handler, stream.read())
    assert [page["count"] for page in _pages(api, channel, "limit=2")] == [9] * 5
    for pk in opened[:4]:
        api.delete(batches(channel, pk))
    deliver(tally.handler, stream.read())
    for number in (3, 4, 5):
        page = api.get(f"{batches(channel)}?limit=2&page={number}").json()
        assert page["count"] == 5, f"page {number}"


def test_the_count_is_never_less_than_what_a_page_shows(api: Api, channel: int) -> None:
    for _ in range(5):
        api.open_batch(channel)
    # Nothing is tallied yet.
    assert api.get(f"{batches(channel)}?limit=3").json()["count"] >= 4
    assert api.get(f"{batches(channel)}?limit=3&page=2").json()["count"] >= 2


def test_a_batch_request_that_moves_while_it_is_listed_is_listed_once(
    api: Api, channel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = [api.open_batch(channel)["pk"] for _ in range(3)]
    api.patch(batches(channel, opened[1]), {"status": "commit"})
    client, query = clients.dynamodb(), clients.dynamodb().query
    moved: list[int] = []

    def moving(**arguments: Any) -> Any:
        answer = query(**arguments)
        if "IndexName" in arguments and answer["Items"] and not moved:
            # Read in the partition of one status, it goes over to that of another, which is read next.
            moved.append(api.patch(batches(channel, opened[1]), {"status": "fail"}).status)
        return answer

    monkeypatch.setattr(client, "query", moving)
    answer = api.get(f"{batches(channel)}?status=commit&status=fail&status=initialized")
    assert moved == [200]
    assert answer.status == 200
    assert [one["pk"] for one in answer.json()["results"]] == opened


def test_a_batch_request_removed_while_it_is_listed_is_left_out(
    api: Api, channel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = [api.open_batch(channel)["pk"] for _ in range(3)]
    client, read = clients.dynamodb(), clients.dynamodb().batch_get_item

    def meanwhile(**arguments: Any) -> Any:
        api.delete(batches(channel, opened[1]))
        return read(**arguments)

    monkeypatch.setattr(client, "batch_get_item", meanwhile)
    found = api.get(f"{batches(channel)}?ordering=modified_date").json()
    assert [one["pk"] for one in found["results"]] == [opened[0], opened[2]]
