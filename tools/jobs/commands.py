"""The commands: what each does with the API, and what it shows of that."""

from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from tools.jobs import arguments, show
from tools.jobs.api import Api, reading
from tools.jobs.endings import DONE, FAILED, NOT_CONFIRMED, Ending, Refused, Stop, Unusable
from tools.jobs.follow import follow
from tools.jobs.job import DELETE, EXPORT, IMPORT, Job
from tools.jobs.show import Screen


@dataclass
class Command:
    """A command at work.

    Args:
        api: The service.
        screen: Where people read.
        given: The options.
        ending: What it has brought about so far.
    """

    api: Api
    screen: Screen
    given: Namespace
    ending: Ending

    def run(self) -> None:
        """Does it.

        Raises:
            Stop: It cannot go on.
        """
        commands: Mapping[str, Callable[[], int]] = {
            "import": self._import,
            "export": self._export,
            "delete": self._delete,
            "list": self._list,
            "watch": self._watch,
            "confirm": self._confirm,
            "cancel": self._cancel,
            "undo": self._undo,
        }
        self.ending.code = commands[self.given.command]()

    def _import(self) -> int:
        context = self._import_context()
        context["fileKey"] = self._uploaded(self.given.file)
        return self._previewed(self._create(IMPORT, context, dry_run=True), "Import?")

    def _import_context(self) -> dict[str, Any]:
        given = self.given
        if given.dialect == "shopify" and not given.currency:
            raise Unusable("Files of Shopify do not say in which currency their prices are: add --currency, as eur")
        context = {
            "match": given.match,
            "dialect": given.dialect,
            "currency": given.currency and given.currency.lower(),
            "mapping": arguments.mapping(given.mapping) if given.mapping else None,
            "on_error": "skip" if given.skip_errors else None,
            "encoding": given.encoding,
            "quantities": given.quantities,
            "escape_formulas": given.escape_formulas or None,
        }
        return {name: value for name, value in context.items() if value is not None}

    def _delete(self) -> int:
        if bool(self.given.file) == bool(self.given.filter):
            raise Unusable("Say what to delete, by --filter or by a file, one of the two")
        if self.given.file:
            context: dict[str, Any] = {"fileKey": self._uploaded(self.given.file)}
        else:
            context = {"filterable_fields": arguments.filters(self.given.filter)}
        return self._previewed(self._create(DELETE, context, dry_run=True), "Delete?")

    def _export(self) -> int:
        out: Path = self.given.out
        self._must_be_free(out)
        context: dict[str, Any] = {
            "filterable_fields": arguments.filters(self.given.filter) or None,
            "order": self.given.order,
            "limit": self.given.limit,
            "offset": self.given.offset,
            "escape_formulas": self.given.escape_formulas or None,
        }
        context = {name: value for name, value in context.items() if value is not None}
        job = self._followed(self._create(EXPORT, context, dry_run=False))
        show.ended(self.screen, job)
        if job.status != "completed":
            return FAILED
        self._must_be_free(out)
        size = int(job.result["file_size"])
        self._download(str(job.result["file_key"]), out, size)
        self.ending.file = out
        self.screen.say(f"{out}: {size:,} bytes.")
        return DONE

    def _must_be_free(self, out: Path) -> None:
        if not out.parent.is_dir():
            raise Unusable(f"There is no folder {out.parent}")
        if out.exists() and not self.given.force:
            raise Unusable(f"{out} is there already: --force replaces it, --out names another one")

    def _list(self) -> int:
        jobs, count = self.api.jobs(self.given.limit, self.given.type)
        self.ending.values |= {"batch_jobs": [job.answer for job in jobs], "count": count}
        show.listing(self.screen, jobs, count)
        return DONE

    def _watch(self) -> int:
        job = self._followed(self.api.job(self.given.id))
        if job.is_waiting:
            show.preview(self.screen, job)
            return self._left_waiting(job)
        return self._ended(job)

    def _confirm(self) -> int:
        return self._previewed(self.api.job(self.given.id), "Go on?")

    def _cancel(self) -> int:
        job = self._followed(self.api.cancel(self.given.id))
        show.ended(self.screen, job)
        return FAILED if job.kept else DONE

    def _undo(self) -> int:
        job = self._followed(self.api.undo(self.given.id))
        show.undone(self.screen, job)
        return FAILED if job.kept else DONE

    # What several of them do.

    def _create(self, kind: str, context: Mapping[str, Any], *, dry_run: bool) -> Job:
        try:
            return self._seen(self.api.create(kind, context, dry_run=dry_run))
        except Refused as refused:
            # An address that is of another service is not found either.
            if refused.kind == "not_found" and "strategy" in str(refused):
                raise Refused(refused.status, refused.kind, f"This service has no jobs of type {kind}") from refused
            raise

    def _followed(self, job: Job) -> Job:
        return follow(self.api, self.screen, job, self._seen)

    def _seen(self, job: Job) -> Job:
        """The job, which scripts get to see as it is now."""
        self.ending.values["batch_job"] = job.answer
        return job

    def _uploaded(self, path: Path) -> str:
        with reading(path) as (_, size):
            pass
        with show.transfer(self.screen, f"Uploading {path.name}", size) as advance:
            return self.api.upload(path, advance)

    def _previewed(self, job: Job, question: str) -> int:
        """Shows what a job will do, and has it done if somebody says so."""
        job = self._followed(job)
        if not job.is_waiting:
            return self._ended(job)
        show.preview(self.screen, job)
        if getattr(self.given, "dry_run", False):
            self._fetch_error_file(job)
            self._seen(self.api.cancel(job.id))
            self.screen.say("Nothing was changed: this was the preview alone.")
            return DONE
        if not self.given.yes:
            if not self.screen.is_interactive:
                return self._left_waiting(job)
            if not self.screen.agrees(question):
                self._seen(self.api.cancel(job.id))
                self.screen.say("Nothing was changed.")
                return NOT_CONFIRMED
        return self._ended(self._followed(self.api.confirm(job)), told=job.error_count)

    def _left_waiting(self, job: Job) -> int:
        self.screen.say("Nothing was changed yet. It waits for 7 days; one of these goes on or ends it:")
        self.screen.say(show.command("confirm", job.id, "--yes"))
        self.screen.say(show.command("cancel", job.id))
        return NOT_CONFIRMED

    def _ended(self, job: Job, told: int = 0) -> int:
        show.ended(self.screen, job, told)
        self._fetch_error_file(job)
        return DONE if job.status == "completed" and not job.kept else FAILED

    def _fetch_error_file(self, job: Job) -> None:
        """Puts the rows with errors beside the file that they came from, or here; never over something."""
        key = job.result.get("error_file_key")
        # Of a file that cannot be read there are no rows in it.
        if not key or job.is_unreadable:
            return
        uploaded = str(job.context.get("fileKey", job.id)).rpartition("/")[2]
        into = _error_file(getattr(self.given, "file", None) or Path(uploaded))
        try:
            self._download(str(key), into, None)
        except Stop as stop:
            # How the job ended is what matters.
            self.screen.say(f"The file of rows with errors could not be fetched: {stop}")
            return
        self.ending.error_file = into
        show.error_file(self.screen, into, job)

    def _download(self, key: str, into: Path, size: int | None) -> None:
        with show.transfer(self.screen, f"Downloading {into.name}", size) as advance:
            self.api.download(key, into, size, advance)


def _error_file(source: Path) -> Path:
    """`products.errors.csv` for `products.csv`, or with a number where that is there."""
    stem = source.stem.removesuffix(".errors")
    suffix = source.suffix or ".csv"
    for number in count(1):
        found = source.with_name(f"{stem}.errors{'' if number == 1 else f'-{number}'}{suffix}")
        if not found.exists():
            return found
    raise AssertionError("numbers end")
