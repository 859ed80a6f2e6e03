"""The work of `product-import`: the rows of a file become products of the catalogue.

1. *Read* the file, range after range: its rows go to a spool by handle, what only one product can have to another.
2. *Compare* what the file claims twice, and then each product with the catalogue: operations are counted, rows with
   errors put aside.
3. *Report* these in a file of their own. The job fails here if there are any, unless it skips them.
4. *Write* the products, once the job is confirmed, each compared anew; what it was before is kept with it.
5. *Take back* all of it if the job fails or is canceled then, or somebody asks for that later.

Each step reads what the one before left in the job's `state`, and is recorded together with where the next one begins.
Products are written before their step is recorded: whoever repeats the step finds them written.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from batchyard import clock, ulids
from batchyard.batch_jobs import spool, states
from batchyard.batch_jobs.imports import gates, planning, reading, taking_back, writing
from batchyard.batch_jobs.imports.options import Options, options
from batchyard.batch_jobs.imports.planning import IDS_A_ROW, Planner, Wanted
from batchyard.batch_jobs.imports.reading import File
from batchyard.batch_jobs.imports.writing import Outcome
from batchyard.batch_jobs.rules import COMPLETED, CONFIRMED, FAILED, LISTED_ERRORS, PROCESSING, Job, JobError, listed
from batchyard.batch_jobs.selection import Unfit
from batchyard.batch_jobs.spool import Entry, Group
from batchyard.batch_jobs.strategy import Record
from batchyard.catalogue import repository
from batchyard.product_files.counting import Operations
from batchyard.product_files.dialects.shopify import BECAME_DRAFT
from batchyard.product_files.error_rows import ErrorRows
from batchyard.product_files.faults import INVALID, RowError, Unreadable, quoted
from batchyard.product_files.gathering import MOST_ROWS
from batchyard.product_files.header import Header, no_rows
from batchyard.product_files.parsing import DELIMITED_OTHERWISE, SAID_OTHERWISE
from batchyard.product_files.planning import QUANTITY_LEFT_OUT
from batchyard.product_files.reading import Position, Row
from batchyard.store.unit import Unit
from batchyard.uploads import operations as uploads
from batchyard.uploads.rules import FileKey
from batchyard.work import growing_file
from batchyard.work.growing_file import PART, Became, GrowingFile

CONTENT_TYPE = "text/csv; charset=utf-8"

ERRORS_NAME = "import-errors.csv"

MOST_BAD_ROWS = 10_000
"""Rows with errors after which a job that skips none looks at no further ones."""

_ROWS_AT_ONCE = 1000
"""Rows that are compared or written between two records of progress."""

_BYTES_AT_ONCE = 16 * 1024 * 1024
"""Bytes of rows after which a step ends, however few they are."""

_READ_AT_ONCE = 200
"""Rows whose products are read together."""

_CLAIMS_AT_ONCE = 20_000

_NOTICES = {
    QUANTITY_LEFT_OUT: "Quantities were left out where other distribution centres hold stock, and of bundles",
    BECAME_DRAFT: "Products that were archived or unlisted became drafts",
    DELIMITED_OTHERWISE: "Rows are shorter than the header, and their first cell has another delimiter in it",
    SAID_OTHERWISE: "What rows say of their product was left out where its first row says something else",
}


def advance(job: Job, record: Record) -> None:
    """Makes one step of the job.

    Raises:
        Unavailable: A service did not answer; the step can be made again.
    """
    try:
        chosen = options(job.context)
    except Unfit as unfit:
        record(job.failed(unfit.error, clock.now()))
        return
    state = dict(job.state or {})
    match state.get("phase"):
        case None:
            _begin(job, record)
        case "read":
            _read(job, state, chosen, record)
        case "duplicates":
            _find_duplicates(job, state, record)
        case "compare":
            _compare(job, state, chosen, record)
        case "report":
            _report(job, state, chosen, record)
        case _:
            _write(job, state, chosen, record)


def wind_up(job: Job, record: Record) -> None:
    """Makes one step of cleaning up after a job that has ended: takes back what is not to stay, then its own leavings.

    Raises:
        Unavailable: A service did not answer; the step can be made again.
    """
    taking_back.wind_up(job, record, clean_up)


def clean_up(job: Job) -> None:
    """Removes what the work of a job leaves in S3, apart from what it was for.

    Raises:
        Unavailable: S3 did not answer.
    """
    state = dict(job.state or {})
    for name in ("rows", "claims", "conflicts", "bad_groups", "left"):
        spool.delete(states.chunks(state, name))
    growing_file.abort(_error_file(job, state))


# Reading.


def _begin(job: Job, record: Record) -> None:
    try:
        file = File.of(job.user, job.context)
    except Unfit as unfit:
        record(job.failed(unfit.error, clock.now()))
        return
    try:
        header = file.header(job.context)
    except Unreadable as unreadable:
        _fail_whole(job, None, unreadable, record)
        return
    state = {
        "phase": "read",
        "file": list(file),
        "header": list(header),
        "position": list(header.beginning),
        "rows": [],
        "claims": [],
    }
    record(job.moved(now=clock.now(), state=state), lambda unit: uploads.use(unit, job.user, file.key))


def _read(job: Job, state: dict[str, Any], chosen: Options, record: Record) -> None:
    header = Header(*state["header"])
    read = planning.parser(header, chosen)
    try:
        step = reading.read(job.id, File(*state["file"]), header, read, Position(*state["position"]))
        if step.position is None and step.lines == 0:
            raise Unreadable([no_rows()])
    except Unreadable as unreadable:
        _fail_whole(job, header, unreadable, record)
        return
    state |= {
        "rows": [*states.chunks(state, "rows"), *step.rows],
        "claims": [*states.chunks(state, "claims"), *step.claims],
        "lines": step.lines,
    }
    state |= {"phase": "duplicates"} if step.position is None else {"position": list(step.position)}
    record(job.moved(now=clock.now(), state=state))


def _find_duplicates(job: Job, state: dict[str, Any], record: Record) -> None:
    """Finds what several products of the file claim, all of it at once: it is a pass over what is sorted already."""
    conflicts = spool.Writer(job.id)
    whole: list[Entry] = []
    for group in spool.grouped(states.chunks(state, "claims"), _CLAIMS_AT_ONCE):
        # Of what is claimed by more rows than that, the first one is kept to compare the others with.
        whole = [*whole[:1], *group.entries] if group.is_rest else group.entries
        for handle, error in reading.duplicates(whole):
            conflicts.add(Entry(handle, reading.number(error.line or 0), {"error": list(error)}), len(error.message))
    state |= {
        "phase": "compare",
        "conflicts": conflicts.close(),
        "operations": [0, 0, 0, 0],
        "errors": 0,
        "bad": 0,
        "notices": {},
        "left": [],
        "bad_groups": [],
    }
    state["at"] = {"rows": state["rows"], "marks": state["conflicts"]}
    record(job.moved(now=clock.now(), state=state))


def _fail_whole(job: Job, header: Header | None, unreadable: Unreadable, record: Record) -> None:
    """Fails a job whose file cannot be read, with a file that says why."""
    rows = ErrorRows(header)
    content = (rows.header() + rows.whole(unreadable.errors)).encode()
    grown = growing_file.append(_error_file(job, {}), content, last=True)
    errors = listed(JobError(*error) for error in unreadable.errors)
    result = {
        **(job.result or {}),
        "errors": errors,
        "error_count": len(unreadable.errors),
        "error_file_key": grown.file.key,
    }
    record(job.moved(FAILED, now=clock.now(), result=result))


# Comparing.


class _Walk:
    """The groups of rows that one step deals with, each with the marks that another spool has of its handle.

    Args:
        at: Where the chunks of rows and of marks go on.
        most: Rows of the step, about.

    Attributes:
        at: Where they go on behind what was taken.
        is_over: Nothing is left.
    """

    def __init__(self, at: Mapping[str, Any], most: int) -> None:
        self.at = {"rows": states.chunks(at, "rows"), "marks": states.chunks(at, "marks")}
        self.is_over = False
        self._most = most

    def __iter__(self) -> Iterator[tuple[Group, list[Entry]]]:
        marks = spool.grouped(self.at["marks"], MOST_ROWS)
        mark = next(marks, None)
        rows = size = 0
        groups = spool.going_on(self.at["rows"], MOST_ROWS + 1, reading.weighing)
        while (group := groups.ahead) is not None:
            if (rows >= self._most or size >= _BYTES_AT_ONCE) and not group.is_rest:
                groups.stop()
                return
            groups.take()
            while mark is not None and str(mark.place) < str(group.place):
                mark = next(marks, None)
            found = mark if mark is not None and mark.place == group.place else None
            yield group, [] if found is None else found.entries
            rows, size = rows + len(group.entries), size + group.size
            self.at["rows"] = group.chunks
            if found is not None and group.is_whole:
                self.at["marks"] = found.chunks
        self.is_over = True


def _compare(job: Job, state: dict[str, Any], chosen: Options, record: Record) -> None:
    """Plans some products, and writes nothing of them."""
    planner = Planner(job, chosen, clock.now())
    header = Header(*state["header"])
    read = planning.parser(header, chosen)
    walk = _Walk(state["at"], _ROWS_AT_ONCE)
    left = _Left(job)
    counted = Operations(*state["operations"])
    notices = Counter(state["notices"])
    bad_groups = spool.Writer(job.id)
    pending: list[tuple[Wanted, Group, list[RowError]]] = []
    rows = size = 0

    def plan_pending() -> None:
        nonlocal counted
        unit = Unit()
        planner.load(unit, [wanted for wanted, _, _ in pending])
        for wanted, group, conflicts in pending:
            plan = planner.plan(unit, wanted)
            errors = [header.own(error) for error in (*plan.errors, *conflicts)]
            if errors:
                left.add(group, errors)
                bad_groups.add(Entry(group.place, "", {}), 0)
            else:
                counted = counted.plus(plan.operations)
                notices.update(notice.code for notice in plan.notices)
        pending.clear()

    for group, marks in walk:
        if group.is_rest:
            # More rows than a product may have: its first ones are left out, too.
            left.add(group, [])
            continue
        conflicts = [RowError(*mark.record["error"]) for mark in marks]
        if not group.is_whole and len(group.entries) <= MOST_ROWS:
            conflicts.append(_too_large(group))
        pending.append((planning.wanted(read, group.entries), group, conflicts))
        rows, size = rows + len(group.entries), size + group.size
        if rows >= _READ_AT_ONCE or size >= _BYTES_AT_ONCE:
            plan_pending()
            rows = size = 0
    plan_pending()
    left.close(state)
    state |= {"operations": list(counted), "notices": dict(notices), "at": walk.at}
    state["bad_groups"] = [*states.chunks(state, "bad_groups"), *bad_groups.close()]
    is_enough = not chosen.skip and state["bad"] >= MOST_BAD_ROWS
    if walk.is_over or is_enough:
        state["phase"] = "report"
        state["at"] = {"left": state["left"]}
    record(job.moved(now=clock.now(), state=state))


def _too_large(group: Group) -> RowError:
    message = f"Product {quoted(str(group.place))} has more than {spool.LARGEST_GROUP} bytes of rows"
    return RowError(INVALID, message, int(group.entries[-1].id), "Product Handle")


class _Left:
    """Rows that are left out, on their way to the file of these."""

    def __init__(self, job: Job) -> None:
        self._writer = spool.Writer(job.id)
        self._errors = self._rows = 0

    def add(self, group: Group, errors: Iterable[RowError]) -> None:
        """Leaves out the rows of a group; those without faults of their own, too."""
        by_line = _by_line(errors)
        for entry in group.entries:
            line = int(entry.id)
            own = by_line.get(line, [])
            self._rows += bool(own)
            self._errors += len(own)
            record = {"cells": entry.record["cells"], "errors": [list(error) for error in own]}
            self._writer.add(Entry(line, "", record), sum(map(len, record["cells"])) + 200 * len(own))

    def close(self, state: dict[str, Any]) -> None:
        """Puts what was left out into a state."""
        state["left"] = [*states.chunks(state, "left"), *self._writer.close()]
        state["errors"] += self._errors
        state["bad"] += self._rows


def _by_line(errors: Iterable[RowError]) -> dict[int, list[RowError]]:
    found: dict[int, list[RowError]] = {}
    for error in errors:
        found.setdefault(error.line or 0, []).append(error)
    return found


# Reporting.


def _report(job: Job, state: dict[str, Any], chosen: Options, record: Record) -> None:
    """Makes the file of rows that were left out longer by a part, and says what comes of the job behind its end."""
    result = dict(job.result or {})
    if not state["left"]:
        record(_reported(job, state, chosen, result))
        return
    file = _error_file(job, state)
    chunks = states.chunks(state["at"], "left")
    if state.get("reported"):
        grown = growing_file.complete(file)
    else:
        writer = ErrorRows(Header(*state["header"]))
        pieces = [] if file.size else [writer.header().encode()]
        told = list(result.get("errors", ()))
        size, is_last = 0, True
        is_open = len(told) < LISTED_ERRORS
        for merged in spool.read(chunks, descending=False):
            if size >= PART:
                is_last = False
                break
            row = Row(int(merged.entry.place), merged.entry.record["cells"])
            errors = [RowError(*error) for error in merged.entry.record["errors"]]
            if is_open and errors:
                count = len(told) + len(errors)
                told = listed((JobError(*error) for error in errors), told)
                # What comes behind one that has no room is not listed either.
                is_open = len(told) == count
            pieces.append(writer.row(row, errors).encode())
            size += len(pieces[-1])
            chunks[merged.number] = chunks[merged.number]._replace(position=merged.position)
        result |= {"errors": told, "error_count": state["errors"]}
        state["reported"] = is_last
        grown = growing_file.append(file, b"".join(pieces), last=is_last)
    state |= {"at": {"left": chunks}, "error_file": states.keep(grown.file)}
    if grown.became is Became.DONE:
        result["error_file_key"] = grown.file.key
        changed = _reported(job, {**state, "error_file": None}, chosen, result)
    elif grown.became is Became.EMPTY:
        result.pop("errors", None)
        state |= {"at": {"left": state["left"]}, "reported": False}
        changed = job.moved(now=clock.now(), result=result, state=state)
    else:
        changed = job.moved(now=clock.now(), result=result, state=state)
    grown.settle(recorded=record(changed))


def _reported(job: Job, state: dict[str, Any], chosen: Options, result: dict[str, Any]) -> Job:
    """The job once its errors are told."""
    now = clock.now()
    if "written" in state:
        return job.moved(COMPLETED, now=now, result=result, state={**state, "phase": "over"})
    operations = Operations(*state["operations"])
    result = {
        "count": operations.total,
        "advancement_count": 0,
        "progress": 0,
        "operations": operations.to_answer(),
        "stat_descriptors": [
            {
                "key": "product-import-count",
                "name": "Products/variants to import",
                "message": operations.told(),
            }
        ],
        "ignored_columns": list(Header(*state["header"]).ignored),
        "notices": _notices(state["notices"]),
        **result,
    }
    if state["errors"] and not chosen.skip:
        return job.moved(FAILED, now=now, result=result, state=state)
    state |= {"phase": "write", "at": {"rows": state["rows"], "marks": state["bad_groups"]}, "reported": False}
    state |= {"applied": 0, "products": 0, "told": state["errors"]}
    return job.pre_processed(result, state, now)


def _notices(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    return [
        {"code": code, "message": message, "count": counts[code]}
        for code, message in _NOTICES.items()
        if code in counts
    ]


# Writing.


def _write(job: Job, state: dict[str, Any], chosen: Options, record: Record) -> None:
    """Writes some products."""
    if job.status == CONFIRMED and "first_id" not in state:
        # Gaps are fine, so a step that is made again reserves anew.
        state |= {"first_id": repository.reserve_ids(IDS_A_ROW * int(state["lines"])), "writes": True}
        record(job.moved(PROCESSING, now=clock.now(), state=state))
        return
    planner = Planner(
        job, chosen, job.entered[PROCESSING], state["first_id"], compared=Operations(*state["operations"])
    )
    read = planning.parser(Header(*state["header"]), chosen)
    walk = _Walk(state["at"], _ROWS_AT_ONCE)
    groups: dict[int, Group] = {}

    def wanted() -> Iterator[Wanted]:
        for group, marks in walk:
            if not marks and not group.is_rest:
                found = planning.wanted(read, group.entries)
                groups[found.first] = group
                yield found

    try:
        outcomes = writing.write(planner, wanted())
    except gates.Closed:
        # Somebody has ended the job meanwhile, so its state is another one already.
        return
    _after(job, state, chosen, walk, [(outcome, groups[outcome.group.first]) for outcome in outcomes], record)


def _after(
    job: Job,
    state: dict[str, Any],
    chosen: Options,
    walk: _Walk,
    outcomes: Sequence[tuple[Outcome, Group]],
    record: Record,
) -> None:
    """Records what was written, and what the catalogue refused though it was compared before."""
    result = dict(job.result or {})
    left = _Left(job)
    header = Header(*state["header"])
    refused = [
        (group, [header.own(error) for error in outcome.errors]) for outcome, group in outcomes if outcome.errors
    ]
    for group, own in refused:
        left.add(group, own)
    left.close(state)
    state |= {
        "applied": state["applied"] + sum(outcome.operations for outcome, _ in outcomes),
        "products": state["products"] + sum(not outcome.errors for outcome, _ in outcomes),
        "at": walk.at,
    }
    applied, count = state["applied"], result["count"]
    result |= {"advancement_count": applied, "progress": min(1, applied / count) if count else 1}
    now = clock.now()
    if refused and not chosen.skip:
        errors = sorted((error for _, own in refused for error in own), key=lambda error: error.line or 0)
        told = listed(JobError(*error) for error in errors)
        grown = growing_file.append(_error_file(job, {}), _refused(header, refused).encode(), last=True)
        result |= {"errors": told, "error_count": len(errors), "error_file_key": grown.file.key}
        record(job.moved(FAILED, now=now, result=result, state=state))
    elif not walk.is_over:
        record(job.moved(now=now, result=result, state=state))
    else:
        # What could not be written is none of the job's operations.
        result |= {"count": applied, "progress": 1, "products": state["products"]}
        if state["errors"] == state["told"]:
            record(job.moved(COMPLETED, now=now, result=result, state={**state, "phase": "over"}))
        else:
            result.pop("errors", None)
            again = {"phase": "report", "at": {"left": state["left"]}, "error_file": None, "written": True}
            record(job.moved(now=now, result=result, state={**state, **again}))


def _refused(header: Header, refused: Sequence[tuple[Group, Sequence[RowError]]]) -> str:
    """The file of the rows of some groups with their errors, in the order of their lines."""
    by_line = _by_line(error for _, errors in refused for error in errors)
    rows = sorted((reading.row_of(entry) for group, _ in refused for entry in group.entries), key=lambda row: row.line)
    writer = ErrorRows(header)
    return writer.header() + "".join(writer.row(row, by_line.get(row.line, ())) for row in rows)


# What the state holds.


def _error_file(job: Job, state: Mapping[str, Any]) -> GrowingFile:
    # One from before the writing, and one of all that was left out after it.
    name = f"{job.id} errors{' written' if 'written' in state else ''}"
    key = str(FileKey(job.owner, ulids.of(job.entered.get(PROCESSING, job.created), name), ERRORS_NAME))
    return states.file(state, "error_file", key, CONTENT_TYPE)
