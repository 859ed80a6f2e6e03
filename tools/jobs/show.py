"""What people get to see: bars, previews, tables of errors and of jobs."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from tools.jobs import hints, words
from tools.jobs.api import Advance
from tools.jobs.job import CHANGED_SINCE, DELETE, EXPORT, IMPORT, Job

PROGRAM = "python -m tools.jobs"

MOST_ERRORS = 20
"""Errors of rows that a table shows; all of them are in the error file."""

_LINES = 4


@dataclass
class Screen:
    """Where people read, and where they are asked.

    Args:
        out: Where they read.
        is_interactive: Somebody is there who can be asked.
        ask: Asks a question and returns what is typed.
    """

    out: Console
    is_interactive: bool
    ask: Callable[[str], str]

    def say(self, text: str = "") -> None:
        """A line of text, which is not broken: it may be one to paste."""
        self.out.print(text, soft_wrap=True)

    def agrees(self, question: str) -> bool:
        """Whether somebody says yes."""
        try:
            return self.ask(f"{question} [y/N] ").strip().lower() in {"y", "yes"}
        except EOFError:
            self.say()
            return False


def command(*words: str) -> str:
    """A command of this program to paste."""
    return f"  {PROGRAM} {shlex.join(words)}"


@contextmanager
def transfer(screen: Screen, what: str, size: int | None) -> Iterator[Advance]:
    """A bar of the bytes of a file; nothing where nobody watches."""
    columns = (TextColumn(what), BarColumn(bar_width=None), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=screen.out, disable=not screen.out.is_terminal, transient=True) as bar:
        task = bar.add_task(what, total=size)
        yield lambda gone: bar.update(task, completed=gone)


@contextmanager
def watching(screen: Screen) -> Iterator[Callable[[Job], None]]:
    """Shows a job as it goes on: by a live bar on a terminal, by a few plain lines elsewhere."""
    if not screen.out.is_terminal:
        yield _lines(screen)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=screen.out, transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def show(job: Job) -> None:
            done, count = job.progress
            doing = words.doing(job)
            if doing not in tasks:
                # What one step took tells nothing of the next one's rate.
                for task in tasks.values():
                    bar.remove_task(task)
                tasks.clear()
                tasks[doing] = bar.add_task(doing, total=count)
            # Drawn now: what a job has been through is seen however soon the next look follows.
            bar.update(tasks[doing], completed=done, total=count, refresh=True)

        yield show


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.0f}/s")


def _lines(screen: Screen) -> Callable[[Job], None]:
    shown = ""

    def show(job: Job) -> None:
        nonlocal shown
        done, count = job.progress
        # A line for every quarter.
        quarter = done * _LINES // count / _LINES if count else 0
        line = words.doing(job) + (f": {quarter:.0%} of {count:,}" if quarter else " …")
        if line != shown and not job.is_settled and not job.is_waiting:
            screen.say(line)
            shown = line

    return show


# What comes of a job.


def preview(screen: Screen, job: Job) -> None:
    """What a job will do."""
    title = {IMPORT: "This import makes", DELETE: "This deletes"}.get(job.type, "This does")
    told = words.amount(_count(job), "product") if job.type == DELETE else words.operations(job)
    screen.say(f"{title}: {told or 'nothing that it tells'}.")
    notices(screen, job)
    if job.errors:
        errors(screen, job)


def notices(screen: Screen, job: Job) -> None:
    """What a job has to say besides."""
    for notice in job.result.get("notices") or ():
        count = notice.get("count")
        times = "" if not count else " (once)" if count == 1 else f" ({count:,} times)"
        screen.say(f"Note: {notice.get('message')}{times}.")
    if ignored := job.result.get("ignored_columns"):
        # No line to paste, and a long one.
        screen.out.print(f"Columns that are left out: {', '.join(map(_column, ignored))}.")


def _column(ignored: Any) -> str:
    return str(ignored.get("column", ignored)) if isinstance(ignored, dict) else str(ignored)


def errors(screen: Screen, job: Job) -> None:
    """What is wrong with a job or its file, and what to do about it."""
    found = [error for error in job.errors if error.get("code") != CHANGED_SINCE]
    if not found:
        return
    with_lines = any(error.get("line") is not None for error in found)
    screen.say(f"{words.amount(job.error_count, 'error')}:")
    table = Table()
    if with_lines:
        table.add_column("line", justify="right")
        table.add_column("column")
    table.add_column("what is wrong", overflow="fold")
    shown = found if job.is_unreadable else found[:MOST_ERRORS]
    for error in shown:
        line, message = error.get("line"), hints.told(error)
        place = ["" if line is None else str(line), str(error.get("column", ""))] if with_lines else []
        table.add_row(*place, message)
    screen.out.print(table)
    if (more := job.error_count - len(shown)) > 0:
        screen.say(f"… and {words.amount(more, 'more error')}.")
    if with_lines:
        screen.say("Line 1 is the first one below the header, which is row 2 of the sheet; empty lines do not count.")
    for hint in hints.hints(job):
        screen.say(f"→ {hint}")


def ended(screen: Screen, job: Job, told: int = 0) -> None:
    """How a job ended.

    Args:
        screen: Where people read.
        told: How many errors people have seen in its preview.
    """
    match job.status:
        case "completed" if job.undo is not None:
            undone(screen, job)
            return
        case "completed":
            _completed(screen, job, told)
        case "failed":
            screen.say(f"The {_kind(job)} failed.")
            errors(screen, job)
        case "canceled":
            screen.say(f"The {_kind(job)} was canceled.")
    if job.status != "completed":
        left(screen, job)


def _completed(screen: Screen, job: Job, told: int) -> None:
    took = "" if job.seconds is None else f" in {job.seconds:,.1f} s"
    done = {IMPORT: "Imported", DELETE: "Deleted", EXPORT: "Exported"}.get(job.type, "Done")
    what = _applied(job) if job.type == IMPORT else words.amount(_count(job), "product")
    screen.say(f"{done}{took}: {what}.")
    if job.error_count != told:
        errors(screen, job)
    elif told:
        screen.say(f"Left out for {words.amount(told, 'error')}, as told above: all rows of their products.")
    if job.type != EXPORT and _count(job):
        screen.say("Within 7 days this takes it back:")
        screen.say(command("undo", job.id))


def _count(job: Job) -> int:
    return int(job.result.get("count") or 0)


def _applied(job: Job) -> str:
    count, planned = _count(job), job.result.get("operations") or {}
    if planned and sum(planned.values()) == count:
        return words.operations(job)
    # Some of what was planned could not be written, and the service does not tell of which kind it was.
    return f"{count:,} of {words.operations(job)}" if planned else f"{count:,} products and variants"


def left(screen: Screen, job: Job) -> None:
    """What remains of a job that failed or was canceled."""
    if job.undo is None:
        if job.is_about_to_be_undone:
            screen.say("What it had changed is being taken back.")
        elif job.type != EXPORT:
            screen.say("Nothing was changed.")
        return
    undone(screen, job)


def undone(screen: Screen, job: Job) -> None:
    """What was taken back of a job, and what was not."""
    done, _ = job.progress
    if not job.is_settled:
        screen.say(f"It is being taken back: {words.amount(done, 'product')} so far.")
        return
    if not job.kept and not done:
        screen.say("Nothing was changed, so nothing had to be taken back.")
        return
    if not job.kept:
        screen.say(f"Taken back: {words.amount(done, 'product')}. Nothing of it is left.")
        return
    screen.say(f"Taken back: {words.amount(done, 'product')}, but for what has been changed since and stays:")
    for error in job.kept[:MOST_ERRORS]:
        screen.say(f"  {error.get('message')}")
    if (more := len(job.kept) - MOST_ERRORS) > 0:
        screen.say(f"  … and {more} more.")


def _kind(job: Job) -> str:
    return {IMPORT: "import", EXPORT: "export", DELETE: "deletion"}.get(job.type, "job")


def error_file(screen: Screen, path: Path, job: Job) -> None:
    """Where the rows with errors are."""
    screen.say(f"The rows with errors, each with what is wrong with it, are in {path}.")
    if job.status == "failed":
        screen.say("Correct them in your file and import it again, or import the others with --skip-errors.")
    else:
        screen.say("Correct them there, then:")
        screen.say(command("import", str(path)))


def listing(screen: Screen, jobs: Sequence[Job], count: int) -> None:
    """Jobs as a table."""
    if not jobs:
        screen.say("There are no jobs.")
        return
    table = Table("made", "type", "status", "what", "ID")
    for job in jobs:
        table.add_row(_moment(job.answer.get("created_at")), job.type, _status(job), _what(job), Text(job.id))
    for column in table.columns:
        column.no_wrap = column.header != "what"
    screen.out.print(table)
    screen.say(f"{len(jobs)} of {words.amount(count, 'job')}.")


def _status(job: Job) -> str:
    if job.undo is not None:
        return f"{job.status}, {'taken back' if job.is_settled else 'taking back'}"
    return "waits for confirmation" if job.is_waiting else job.status.replace("_", " ")


def _what(job: Job) -> str:
    if job.status == "failed" and job.error_count:
        return words.amount(job.error_count, "error")
    if told := words.operations(job):
        return told
    count = job.result.get("count")
    return "" if count is None else words.amount(int(count), "product")


def _moment(text: Any) -> str:
    return "" if not text else f"{datetime.fromisoformat(str(text)).astimezone():%Y-%m-%d %H:%M}"
