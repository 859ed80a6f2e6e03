"""What EPCIS was told of a batch: events that stay as they were told, or are withdrawn, and add up to what is."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchyard.gs1.epcis import FIRST
from batchyard.product_batches import rules
from batchyard.product_batches.exports import files as export_files
from batchyard.product_batches.serials.statuses import STATUSES, TABLE
from tests.support.api import Api
from tests.support.exports import Workers, download, start
from tests.support.lots import BATCHES, GTIN, LOT, change, codes, make, serials
from tests.support.streams import Stream

LINKED = {"gtin": GTIN, "expiryDate": "2027-12-31"}
BECAME = {one.meaning[1:]: status for status, one in TABLE.items()} | {FIRST[1:]: "commissioned"}

Event = dict[str, Any]


class Listener:
    """Somebody who takes in documents one after the other, as the standard has it."""

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}
        self.withdrawn: dict[str, Event] = {}

    def hear(self, document: bytes) -> list[Event]:
        """Takes in a document; returns its events."""
        heard = json.loads(document)["epcisBody"]["eventList"]
        for event in heard:
            id = event["eventID"]
            said = {name: value for name, value in event.items() if name != "errorDeclaration"}
            assert self.events.setdefault(id, said) == said
            if (declared := event.get("errorDeclaration")) is not None:
                assert self.withdrawn.setdefault(id, declared) == declared
        for declared in self.withdrawn.values():
            assert self.events.keys() >= set(declared.get("correctiveEventIDs", ()))
        return list(heard)

    def standing(self) -> list[Event]:
        """What was told and not withdrawn, in the order in which it was heard."""
        return [event for id, event in self.events.items() if id not in self.withdrawn]

    def statuses(self) -> dict[str, str]:
        """What became of each serial by that."""
        found: dict[str, str] = {}
        begun, ended = set(), set()
        # Of two documents the second may tell something between what the first one told.
        for event in sorted(self.standing(), key=lambda event: str(event["eventTime"])):
            for epc in event["epcList"]:
                code = epc.rpartition("/")[2]
                assert (event["action"] == "ADD") == (code not in begun)
                assert (event["action"], code in ended) != ("DELETE", True)
                begun.add(code)
                if event["action"] == "DELETE":
                    ended.add(code)
                found[code] = BECAME[event["bizStep"], event["disposition"]]
        return found

    def data(self) -> list[dict[str, str]]:
        """What stands of the items themselves."""
        return [event["ilmd"] for event in self.standing() if event["action"] == "ADD"]


@pytest.fixture
def workers(lot_stream: Stream, monkeypatch: pytest.MonkeyPatch) -> Workers:
    """Those who write exports."""
    made = Workers(lot_stream)
    monkeypatch.setenv("EXPORTS_QUEUE_URL", made.url)
    return made


def exported(api: Api, workers: Workers, batch: str = "L1") -> bytes:
    export = start(api, "epcis", batch)
    workers.run()
    return download(api, export, batch)


def test_epcis_exports_tell_one_begin_and_one_end_of_a_serial(api: Api, workers: Workers) -> None:
    make(api, quantity=2, **LINKED)
    for _ in range(5):
        change(api, "active", (0, 2))
        change(api, "commissioned", (0, 2))
    change(api, "stolen", (0, 1))
    change(api, "commissioned", (0, 1))
    change(api, "decommissioned", (0, 1))
    # Of these, one has ended already.
    change(api, "destroyed", (0, 2))
    listener = Listener()
    events = listener.hear(exported(api, workers))
    found = codes(api)
    for code in found:
        actions = [event["action"] for event in events if any(epc.endswith(code) for epc in event["epcList"])]
        assert (actions.count("ADD"), actions.count("DELETE")) == (1, 1)
        assert actions[0] == "ADD"
    assert listener.statuses() == dict.fromkeys(found, "destroyed")
    last = [(event["action"], [epc.rpartition("/")[2] for epc in event["epcList"]]) for event in events[-2:]]
    assert last == [("OBSERVE", found[:1]), ("DELETE", found[1:])]


def test_an_undone_change_is_withdrawn_by_its_event_id(api: Api, workers: Workers) -> None:
    make(api, quantity=3, **LINKED)
    out = change(api, "decommissioned", (0, 2))
    listener = Listener()
    told = listener.hear(exported(api, workers))
    undone = api.post(f"{LOT}/serialChange/{out['id']}/undo").json()
    change(api, "decommissioned", (1, 2))
    events = listener.hear(exported(api, workers))
    assert events[: len(told)] == told
    withdrawn, again = events[len(told) :]
    declared = {"declarationTime": undone["undoneAt"], "reason": "did_not_occur"}
    assert withdrawn == {**told[-1], "errorDeclaration": declared}
    assert again["eventID"] != told[-1]["eventID"]
    assert listener.hear(exported(api, workers)) == events
    assert list(listener.statuses().values()) == ["commissioned", "decommissioned", "decommissioned"]


def test_a_corrected_date_withdraws_told_events_and_tells_new_events(
    api: Api, workers: Workers, at: Callable[[float], None]
) -> None:
    at(0)
    make(api, quantity=3, **LINKED)
    # Nobody was told this one.
    api.put(LOT, {"expiryDate": "2027-11-30"})
    at(1)
    listener = Listener()
    [first] = listener.hear(exported(api, workers))
    assert first["ilmd"]["cbvmda:itemExpirationDate"] == "2027-11-30"
    at(2)
    api.put(LOT, {"expiryDate": "2027-10-31", "name": "Barolo"})
    api.put(LOT, {"quantity": 5})
    at(3)
    export = start(api, "epcis")
    workers.run()
    events = listener.hear(download(api, export))
    assert events[0] == first
    corrected = events[2]
    assert events[1] == {
        **first,
        "errorDeclaration": {
            "declarationTime": export["createdAt"],
            "reason": "incorrect_data",
            "correctiveEventIDs": [corrected["eventID"]],
        },
    }
    # It happened when it happened.
    assert (corrected["action"], corrected["eventTime"]) == ("ADD", first["eventTime"])
    assert {data["cbvmda:itemExpirationDate"] for data in listener.data()} == {"2027-10-31"}
    # A name is no part of it, and the former date said once more is another event.
    api.put(LOT, {"name": "Barolo riserva"})
    assert listener.hear(exported(api, workers)) == events
    at(4)
    api.put(LOT, {"expiryDate": "2027-11-30"})
    anew = listener.hear(exported(api, workers))
    assert anew[2]["eventID"] == corrected["eventID"]
    assert len({event["eventID"] for event in anew}) == 6
    assert {data["cbvmda:itemExpirationDate"] for data in listener.data()} == {"2027-11-30"}
    assert listener.statuses() == dict.fromkeys(codes(api), "commissioned")


def test_an_epcis_export_under_way_tells_no_later_correction(api: Api, workers: Workers) -> None:
    make(api, quantity=3, **LINKED)
    first = start(api, "epcis")
    api.put(LOT, {"expiryDate": None})
    second = start(api, "epcis")
    workers.run()
    [only] = json.loads(download(api, first))["epcisBody"]["eventList"]
    assert (only["ilmd"]["cbvmda:itemExpirationDate"], "errorDeclaration" in only) == ("2027-12-31", False)
    assert len(json.loads(download(api, second))["epcisBody"]["eventList"]) == 3


def test_dates_told_by_epcis_are_corrected_a_limited_number_of_times(
    api: Api, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MOST_TOLD", 2)
    make(api, quantity=1, **LINKED)
    for month in ("10", "11"):
        start(api, "epcis")
        api.put(LOT, {"expiryDate": f"2027-{month}-30"})
    refused = api.post(f"{LOT}/export", {"format": "epcis"})
    assert (refused.status, refused.json()["errorCode"]) == (409, "TOLD_TOO_OFTEN")
    assert api.post(f"{LOT}/export", {"format": "csv"}).status == 202
    api.put(LOT, {"expiryDate": "2027-10-30"})
    assert api.post(f"{LOT}/export", {"format": "epcis"}).status == 202


def test_an_epcis_export_of_a_draft_lot_is_refused(api: Api, workers: Workers) -> None:
    batch = make(api, quantity=3, status="draft", **LINKED)
    refused = api.post(f"{LOT}/export", {"format": "epcis"})
    assert (refused.status, refused.json()["errorCode"]) == (409, "DRAFT_BATCH")
    # The printing house needs its codes before.
    assert api.post(f"{LOT}/export", {"format": "csv"}).status == 202
    api.put(LOT, {"status": "active"})
    [event] = Listener().hear(exported(api, workers))
    assert event["eventTime"] == batch["createdAt"]


# Whatever happens to a batch.

moves = st.tuples(st.sampled_from(STATUSES), st.integers(0, 11), st.integers(1, 12))
steps = st.one_of(
    st.tuples(st.just("change"), moves),
    st.tuples(st.just("change"), moves),
    st.tuples(st.just("undo"), st.integers(0, 3)),
    st.tuples(st.just("date"), st.sampled_from(["2027-12-31", "2028-01-31", None])),
    st.tuples(st.just("grow"), st.integers(1, 5)),
    st.tuples(st.just("export"), st.just(0)),
)
_numbers = itertools.count()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(did=st.lists(steps, min_size=4, max_size=14))
def test_all_told_epcis_events_add_up_to_the_statuses_of_serials(
    api: Api, workers: Workers, monkeypatch: pytest.MonkeyPatch, did: list[tuple[str, Any]]
) -> None:
    monkeypatch.setattr(export_files, "PIECE", 6)
    monkeypatch.setattr(export_files, "_EVENT", 3)
    id = f"T{next(_numbers)}"
    path, quantity = f"{BATCHES}/{id}", 12
    make(api, id, quantity=quantity, **LINKED)
    made: list[str] = []
    listener = Listener()
    for step, how in [*did, ("export", 0)]:
        match step, how:
            case "change", (status, first, size):
                changed = change(api, status, (first, min(size, quantity - first)), path=path)
                made += [changed["id"]] if changed["id"] else []
            case "undo", back if back < len(made):
                api.post(f"{path}/serialChange/{made[-1 - back]}/undo")
            case "date", day:
                assert api.put(path, {"expiryDate": day}).status == 200
            case "grow", more:
                quantity += more
                # Another batch in between, so that the next block is not a continuation.
                make(api, f"{id}.{quantity}", quantity=1)
                assert api.put(path, {"quantity": quantity}).status == 200
            case "export", _:
                listener.hear(exported(api, workers, id))
                assert listener.statuses() == {one["code"]: one["status"] for one in serials(api, path)}
                present = api.get(path).json().get("expiryDate")
                assert {data.get("cbvmda:itemExpirationDate") for data in listener.data()} == {present}
