"""The client for people, `python -m tools.jobs`, pointed at the service; workers are at work while it waits."""

import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from rich.console import Console

from batchyard.batch_jobs import product_import
from batchyard.catalogue import repository
from batchyard.identity import operations as identity
from batchyard.scope import Scope
from batchyard.store.unit import transact
from batchyard.uploads import rules as uploads
from tests.contract.gateway import Gateway
from tests.support import catalogue, permissions
from tests.support.api import DEFAULT_DOMAIN
from tests.support.aws import keys_in_bucket
from tests.support.catalogue import must_be_whole, stored_products
from tests.support.jobs import JobWorkers
from tools import environment
from tools.jobs import api, endings
from tools.jobs.__main__ import main
from tools.jobs.show import Screen

SHIRTS = (
    "Product Handle;Product Title;Variant SKU;Price EUR\r\n"
    "shirt;Shirt;S-1;19.90\r\n"
    "shirt;;S-2;24.90\r\n"
    "sock;Sock;K-1;3.50\r\n"
)
FAULTY = SHIRTS + 'scarf;Scarf;C-1;"1,50"\r\nhat;Hat;K-1;5.00\r\n'
S3 = re.compile(r"(^|\.)s3[.-].*amazonaws\.com$")


class Network(httpx.BaseTransport):
    """What the client reaches: the API, and S3 for what is signed."""

    def __init__(self) -> None:
        self.api = httpx.WSGITransport(Gateway())
        self.stored: list[httpx.Request] = []
        self.asked: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not S3.search(request.url.host):
            assert str(request.url).startswith(DEFAULT_DOMAIN.base)
            self.asked.append(request)
            return self.api.handle_request(request)
        assert "authorization" not in request.headers
        self.stored.append(request)
        request.read()
        with permissions.by_the_test():
            answer = requests.request(
                request.method, str(request.url), data=request.content, headers={"Content-Type": ""}, timeout=5
            )
        return httpx.Response(answer.status_code, content=answer.content)


@dataclass
class Desk:
    """Somebody at a terminal, with the client.

    Args:
        workers: Those who work on jobs.
        network: What is reached.
        folder: Where files are.
        replies: What is typed, in order; an exception is raised instead.
        waits: What happens while the client waits, in order; behind that, workers do all there is to do.
    """

    workers: JobWorkers
    network: Network
    token: str
    folder: Path
    replies: list[Any] = field(default_factory=list)
    waits: list[Callable[[], object]] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    out: io.StringIO = field(default_factory=io.StringIO)

    def __call__(self, *words: str, someone: bool = True, terminal: bool = False) -> int:
        """Runs the client; returns its exit code."""
        self.out = io.StringIO()
        out = Console(file=self.out, highlight=False, markup=False, width=120, force_terminal=terminal)
        screen = Screen(out, is_interactive=someone, ask=self._ask)
        code = main(words, screen=screen, pause=self._wait, transport=self.network)
        assert self.token not in self.text
        return code

    @property
    def text(self) -> str:
        return self.out.getvalue()

    def file(self, content: str | bytes, name: str = "products.csv") -> str:
        """The path of a new file."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def some_work(self) -> None:
        """Every message is worked on for one step."""
        self.workers.follow()
        for message in self.workers.receive():
            self.workers.work(message, looks=1)

    def _ask(self, question: str) -> str:
        self.questions.append(question)
        reply = self.replies.pop(0)
        if isinstance(reply, str):
            return reply
        raise reply

    def _wait(self, seconds: float) -> None:
        assert 0 < seconds < 10
        if self.waits:
            self.waits.pop(0)()
        else:
            self.workers.run()


def interrupt() -> None:
    raise KeyboardInterrupt


@pytest.fixture
def desk(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Desk]:
    with permissions.by_the_test():
        identity.create_user("anna", "correct horse battery staple", Scope(admin=True))
        token = identity.create_token("anna", Scope(admin=True))
    monkeypatch.setattr(environment, "FILE", tmp_path / "none")
    monkeypatch.setenv("BASE_URL", DEFAULT_DOMAIN.base)
    monkeypatch.setenv("TOKEN", token)
    monkeypatch.chdir(tmp_path)
    desk = Desk(JobWorkers(monkeypatch), Network(), token, tmp_path)
    yield desk
    assert desk.replies == []
    assert desk.waits == []


def handles() -> set[str]:
    with permissions.by_the_test():
        must_be_whole()
        return {one.handle for one in stored_products().values()}


def newest(desk: Desk, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The job that was made last."""
    capsys.readouterr()
    assert desk("list", "--json") == endings.DONE
    return dict(printed(capsys)["batch_jobs"][0])


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The one JSON object on standard output."""
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    return dict(json.loads(out))


# Importing.


def test_a_file_is_checked_shown_and_imported_after_a_yes(desk: Desk) -> None:
    desk.replies = ["y"]
    assert desk("import", desk.file(SHIRTS)) == endings.DONE
    assert desk.questions == ["Import? [y/N] "]
    assert "This import makes: 2 new products, 3 new variants." in desk.text
    assert re.search(r"Imported in [\d.]+ s: 2 new products, 3 new variants\.", desk.text)
    assert re.search(r"  python -m tools\.jobs undo batch_\w{26}\n", desk.text)
    assert handles() == {"shirt", "sock"}
    assert desk.network.stored == []
    assert not list(desk.folder.glob("*errors*"))


def test_a_job_is_made_under_a_key_of_its_own(desk: Desk) -> None:
    assert desk("import", desk.file(SHIRTS), "--yes") == endings.DONE
    assert desk("import", desk.file(SHIRTS), "--yes", "--match", "handle") == endings.DONE
    keys = [one.headers["idempotency-key"] for one in desk.network.asked if one.url.path.endswith("/batch-jobs")]
    assert len(keys) == len(set(keys)) == 2


def test_an_import_that_is_not_confirmed_changes_nothing(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    for reply in ("", "n", "yesterday", EOFError()):
        desk.replies = [reply]
        assert desk("import", desk.file(SHIRTS)) == endings.NOT_CONFIRMED
        assert "Nothing was changed." in desk.text
        assert newest(desk, capsys)["status"] == "canceled"
    assert handles() == set()


def test_an_import_without_a_terminal_waits_for_confirmation(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk("import", desk.file(SHIRTS), someone=False) == endings.NOT_CONFIRMED
    assert desk.questions == []
    found = re.search(r"python -m tools\.jobs confirm (batch_\w+) --yes\n", desk.text)
    assert found is not None
    assert handles() == set()
    assert newest(desk, capsys)["status"] == "pre_processed"
    assert desk("watch", found[1]) == endings.NOT_CONFIRMED
    assert "This import makes: 2 new products, 3 new variants." in desk.text
    assert desk("confirm", found[1], "--yes", someone=False) == endings.DONE
    assert handles() == {"shirt", "sock"}
    assert desk("confirm", found[1]) == endings.DONE
    assert desk("watch", found[1]) == endings.DONE


def test_a_dry_run_of_an_import_shows_a_preview_and_changes_nothing(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert desk("import", desk.file(SHIRTS), "--dry-run", someone=False) == endings.DONE
    assert "This import makes: 2 new products, 3 new variants." in desk.text
    assert handles() == set()
    assert newest(desk, capsys)["status"] == "canceled"


def test_products_that_are_there_are_changed(desk: Desk) -> None:
    assert desk("import", desk.file(SHIRTS), "--yes") == endings.DONE
    assert desk("import", desk.file(SHIRTS.replace("19.90", "17.90")), "--yes") == endings.FAILED
    assert "If these products are to be changed, not added, import with --match handle." in desk.text
    desk.file(SHIRTS.replace("19.90", "17.90"))
    assert desk("import", "products.csv", "--yes", "--match", "handle") == endings.DONE
    assert "2 changed products, 3 changed variants" in desk.text


def test_errors_of_an_import_are_a_table_and_a_file(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    path = desk.file(FAULTY)
    assert desk("import", path, "--yes", "--json") == endings.FAILED
    told = printed(capsys)
    assert told["exit_code"] == endings.FAILED
    assert told["batch_job"]["status"] == "failed"
    assert told["batch_job"]["result"]["error_count"] == 2
    assert told["error_file"] == str(desk.folder / "products.errors.csv")
    assert (told["file"], told["message"]) == (None, None)
    text = " ".join(desk.text.split())
    assert "2 errors" in text
    assert re.search(r"│ 4 │ Price EUR │ Price EUR: 1,50 is no amount of EUR", text)
    assert re.search(r"│ 5 │ Variant SKU │ Variant SKU K-1 of product hat is already in line 3", text)
    assert "Line 1 is the first one below the header, which is row 2 of the sheet" in text
    assert "→ Amounts are digits with a decimal point and nothing else: 19.90, not 19,90" in text
    assert "Nothing was changed." in text
    errors = desk.read("products.errors.csv")
    assert "scarf;Scarf;C-1" in errors
    assert "shirt" not in errors
    assert handles() == set()
    # What somebody may be correcting is not written over.
    assert desk("import", path, "--yes") == endings.FAILED
    assert desk.read("products.errors-2.csv") == errors
    assert desk.read("products.errors.csv") == errors
    assert list(desk.folder.glob("*.part")) == []


def test_all_columns_that_are_not_known_are_told(desk: Desk) -> None:
    titles = ";".join(f"Colour {number}" for number in range(30))
    assert desk("import", desk.file(f"Product Handle;{titles}\r\nshirt\r\n")) == endings.FAILED
    assert desk.text.count("is not known") == 30
    assert "more error" not in desk.text


def test_only_the_first_errors_are_shown(desk: Desk) -> None:
    rows = "".join(f"p{number};P;;{number} EUR\r\n" for number in range(150))
    assert desk("import", desk.file(SHIRTS + rows)) == endings.FAILED
    assert desk.text.count("is no amount of") == 20
    assert "… and 130 more errors." in desk.text
    assert desk.read("products.errors.csv").count("is no amount of") == 150


def test_products_with_errors_are_left_out(desk: Desk) -> None:
    assert desk("import", desk.file(FAULTY), "--yes", "--skip-errors") == endings.DONE
    assert desk.text.count("is no amount of") == 1
    assert "Left out for 2 errors, as told above" in desk.text
    assert handles() == {"shirt", "sock"}
    path = str(desk.folder / "products.errors.csv")
    assert f"  python -m tools.jobs import {path}\n" in desk.text
    mended = desk.read("products.errors.csv").replace('"1,50"', "1.50").replace("K-1;5.00", "H-1;5.00")
    desk.file(mended, "products.errors.csv")
    assert desk("import", path, "--yes") == endings.DONE
    assert handles() == {"shirt", "sock", "scarf", "hat"}


def test_an_error_file_of_an_error_file_has_a_number(desk: Desk) -> None:
    assert desk("import", desk.file(FAULTY, "a.errors.csv"), "--yes") == endings.FAILED
    assert (desk.folder / "a.errors-2.csv").exists()


def test_a_watched_job_has_its_error_file_here(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    (desk.folder / "sheets").mkdir()
    assert desk("import", desk.file(FAULTY, "sheets/Größen 1.csv")) == endings.FAILED
    assert (desk.folder / "sheets" / "Größen 1.errors.csv").exists()
    assert desk("watch", newest(desk, capsys)["id"]) == endings.FAILED
    assert (desk.folder / "Größen 1.errors.csv").exists()


@pytest.mark.parametrize(
    ("content", "told", "hint"),
    [
        ("Product Handle;Colour\r\na;b\r\n", "The column Colour is not known", "--mapping"),
        ("Title;Colour\r\na;b\r\n", "The column Product Handle is missing", "--mapping"),
        ("Product Handle;Product Title\r\na;Gr\xf6\xdfe\r\n".encode("latin-1"), "UTF-8", "--encoding cp1252"),
        (b"PK\x03\x04 and [Content_Types].xml xl/", "an Excel workbook (xlsx)", "Save the sheet as CSV"),
        ("Product Handle\r\na\r\n".encode("utf-16"), "UTF-16", "--encoding utf-16"),
        ("Handle,Body (HTML),Vendor,Image Src\r\na,b,c,d\r\n", "product export of Shopify │", "--dialect shopify"),
        ("", "The file is empty", ""),
    ],
)
def test_a_file_that_is_no_csv_gets_a_hint(desk: Desk, content: str | bytes, told: str, hint: str) -> None:
    assert desk("import", desk.file(content)) == endings.FAILED
    assert told in re.sub(r" +", " ", desk.text)
    assert hint in desk.text.partition("→")[2]
    assert "csv file parsing" not in desk.text
    assert "context." not in desk.text
    # There are no rows to be corrected.
    assert not list(desk.folder.glob("*errors*"))


def test_columns_of_other_shops_are_mapped(desk: Desk) -> None:
    mapping = desk.file(json.dumps({"Artikel": "Product Handle", "Farbe": None}), "mapping.json")
    path = desk.file("Artikel;Farbe;Product Title\r\nshirt;rot;Größe\r\n".encode("cp1252"))
    assert desk("import", path, "--yes", "--mapping", mapping, "--encoding", "cp1252") == endings.DONE
    assert "Columns that are left out: Farbe." in desk.text
    with permissions.by_the_test():
        [product] = stored_products().values()
    assert (product.handle, product.fields["title"]) == ("shirt", "Größe")


def test_all_options_become_the_context(desk: Desk) -> None:
    words = "--quantities ignore --match handle --skip-errors --encoding utf-8 --escape-formulas --currency EUR"
    assert desk("import", desk.file(SHIRTS), "--yes", *words.split()) == endings.DONE
    [made] = [one for one in desk.network.asked if "idempotency-key" in one.headers]
    body = json.loads(made.content)
    assert (body["type"], body["dry_run"]) == ("product-import", True)
    assert body["context"].pop("fileKey").endswith("/products.csv")
    assert body["context"] == {
        "quantities": "ignore",
        "match": "handle",
        "on_error": "skip",
        "encoding": "utf-8",
        "escape_formulas": True,
        "currency": "eur",
    }


# Files.


def test_a_large_file_goes_straight_to_s3(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert api.LARGEST_FORM == uploads.LARGEST_TOGETHER
    assert api.LARGEST_FILE == uploads.LARGEST
    monkeypatch.setattr(api, "LARGEST_FORM", len(SHIRTS) - 1)
    assert desk("import", desk.file(SHIRTS), "--yes", terminal=True) == endings.DONE
    [put] = desk.network.stored
    assert put.method == "PUT"
    assert put.headers["content-length"] == str(len(SHIRTS))
    assert "transfer-encoding" not in put.headers
    assert handles() == {"shirt", "sock"}


def test_the_largest_file_for_the_api_is_uploaded_through_the_api(desk: Desk) -> None:
    padding = "x" * (api.LARGEST_FORM - len(SHIRTS) - len("cap;;;\r\n"))
    content = SHIRTS + f"cap;{padding};;\r\n"
    assert len(content) == api.LARGEST_FORM
    assert desk("import", desk.file(content)) == endings.FAILED
    assert desk.network.asked[0].url.path.endswith("/admin/uploads")


# Exporting.


def test_products_are_exported(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk("import", desk.file(SHIRTS), "--yes") == endings.DONE
    capsys.readouterr()
    assert desk("export", "--json") == endings.DONE
    told = printed(capsys)
    content = (desk.folder / "product-export.csv").read_bytes()
    assert told["batch_job"]["result"]["file_size"] == len(content)
    assert told["file"] == "product-export.csv"
    assert "Exported" in desk.text
    assert content.count(b"\r\n") == 4
    assert list(desk.folder.glob("*.part")) == []


def test_an_export_does_not_overwrite_an_existing_file(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    out = desk.file("mine", "mine.csv")
    assert desk("export", "--out", out, "--json") == endings.USAGE
    assert "--force" in desk.text
    assert printed(capsys)["message"] in desk.text
    assert desk.read("mine.csv") == "mine"
    assert desk.network.asked == []
    assert desk("export", "--out", out, "--force") == endings.DONE
    assert desk.read("mine.csv").startswith("Product Id;")


def test_filtered_products_are_exported_in_an_order(desk: Desk) -> None:
    assert desk("import", desk.file(SHIRTS + "hat;Hat;H-1;9.00\r\n"), "--yes") == endings.DONE
    words = ["--filter", "handle=hat", "--filter", "handle=sock", "--filter", "created_at[gte]=2020-01-01"]
    assert desk("export", *words, "--order=-handle", "--limit", "5", "--out", "some.csv") == endings.DONE
    assert [line.split(";")[1] for line in desk.read("some.csv").splitlines()[1:]] == ["sock", "hat"]
    assert desk("export", "--filter", "colour=red", "--out", "none.csv") == endings.FAILED
    assert "filterable_fields has no colour" in desk.text
    assert not (desk.folder / "none.csv").exists()


# Jobs.


def test_jobs_are_listed(desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert desk("list") == endings.DONE
    assert "There are no jobs." in desk.text
    assert desk("import", desk.file(SHIRTS), "--yes") == endings.DONE
    assert desk("import", desk.file(FAULTY)) == endings.FAILED
    assert desk("export") == endings.DONE
    assert desk("list") == endings.DONE
    told = re.sub(r" +", " ", desk.text)
    for words in ("3 of 3 jobs", "product-import │ completed", "2 new products", "product-import │ failed"):
        assert words in told
    # Those of the file, and what the first import made.
    assert "│ 8 errors │" in told
    monkeypatch.setattr(api, "LARGEST_PAGE", 1)
    capsys.readouterr()
    assert desk("list", "--limit", "2", "--type", "product-import", "--json") == endings.DONE
    listed = printed(capsys)
    assert [one["status"] for one in listed["batch_jobs"]] == ["failed", "completed"]
    assert listed["count"] == 2


def test_an_import_is_taken_back(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk("import", desk.file(SHIRTS), "--yes") == endings.DONE
    id = newest(desk, capsys)["id"]
    assert desk("undo", id) == endings.DONE
    assert "Taken back: 2 products. Nothing of it is left." in desk.text
    assert handles() == set()
    assert desk("undo", id) == endings.DONE
    assert desk("list") == endings.DONE
    assert "completed, taken back" in desk.text


def test_an_undo_tells_of_products_changed_since(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk("import", desk.file(SHIRTS), "--yes") == endings.DONE
    id = newest(desk, capsys)["id"]
    header = SHIRTS.splitlines()[0]
    assert desk("import", desk.file(f"{header}\r\nsock;Warm;K-1;4\r\n"), "--yes", "--match", "handle") == endings.DONE
    assert desk("undo", id) == endings.FAILED
    assert "stays as it is: somebody has changed it since" in desk.text
    assert handles() == {"sock"}


def test_a_job_is_canceled(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk("import", desk.file(SHIRTS), someone=False) == endings.NOT_CONFIRMED
    id = newest(desk, capsys)["id"]
    assert desk("cancel", id) == endings.DONE
    assert "The import was canceled.\nNothing was changed." in desk.text
    assert desk("cancel", id) == endings.DONE
    assert desk("watch", id) == endings.FAILED
    assert desk("import", desk.file(SHIRTS), "--yes") == endings.DONE
    assert desk("cancel", newest(desk, capsys)["id"]) == endings.REFUSED
    assert "Cannot cancel completed batch job" in desk.text


def test_an_import_that_fails_while_writing_is_taken_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(product_import, "_ROWS_AT_ONCE", 1)

    def takes_a_handle() -> None:
        desk.workers.run()
        with permissions.by_the_test():
            transact(lambda unit: repository.put(unit, catalogue.product("sock", "other"), None))

    desk.waits = [takes_a_handle]
    assert desk("import", desk.file(SHIRTS), "--yes") == endings.FAILED
    assert "The import failed." in desk.text
    assert "sock" in desk.text
    assert "Taken back: 1 product. Nothing of it is left." in desk.text, desk.text
    assert handles() == {"sock"}


# Ctrl-C.


def test_an_interrupted_job_is_canceled(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(product_import, "_ROWS_AT_ONCE", 1)
    desk.waits = [desk.workers.run, desk.some_work, desk.some_work, interrupt]
    desk.replies = ["y"]
    assert desk("import", desk.file(SHIRTS), "--yes") == endings.FAILED
    [question] = desk.questions
    assert "Cancel the job, and take back what it has changed?" in question
    assert "The import was canceled." in desk.text
    assert "Taken back: 1 product. Nothing of it is left." in desk.text
    assert handles() == set()


def test_an_interrupted_job_goes_on(desk: Desk) -> None:
    desk.waits = [interrupt]
    desk.replies = ["n"]
    assert desk("import", desk.file(SHIRTS), "--yes") == endings.DONE
    assert handles() == {"shirt", "sock"}


def test_a_job_interrupted_twice_goes_on_unwatched(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.waits = [desk.workers.run, interrupt]
    desk.replies = [KeyboardInterrupt()]
    assert desk("import", desk.file(SHIRTS), "--yes") == endings.INTERRUPTED
    found = re.search(r"The job goes on\. Watch it with\n  python -m tools\.jobs (watch batch_\w+)\n", desk.text)
    assert found is not None
    assert desk(*found[1].split()) == endings.DONE
    assert handles() == {"shirt", "sock"}


def test_an_interrupted_job_without_a_terminal_goes_on_unwatched(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.waits = [interrupt]
    assert desk("import", desk.file(SHIRTS), "--yes", "--json", someone=False) == endings.INTERRUPTED
    assert desk.questions == []
    told = printed(capsys)
    assert told["exit_code"] == 130
    assert f"watch {told['batch_job']['id']}" in told["message"]


def test_a_completed_job_is_interrupted_too_late(desk: Desk) -> None:
    def work_and_interrupt() -> None:
        desk.workers.run()
        interrupt()

    desk.waits = [desk.workers.run, work_and_interrupt]
    desk.replies = ["y"]
    assert desk("import", desk.file(SHIRTS), "--yes") == endings.DONE
    assert "Cannot cancel completed batch job" in desk.text
    assert handles() == {"shirt", "sock"}


def test_a_job_interrupted_at_its_confirmation_waits(desk: Desk) -> None:
    desk.replies = [KeyboardInterrupt()]
    assert desk("import", desk.file(SHIRTS)) == endings.INTERRUPTED
    found = re.search(r"python -m tools\.jobs (watch batch_\w+)\n", desk.text)
    assert found is not None
    assert desk(*found[1].split()) == endings.NOT_CONFIRMED
    assert handles() == set()


# Refusals.


def test_invalid_tokens_are_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOKEN", "abcdefgh")
    assert desk("list", "--json") == endings.REFUSED
    told = printed(capsys)
    message = "The token is not accepted: it is wrong, or has ended"
    assert told == {"exit_code": 5, "file": None, "error_file": None, "message": message}
    assert desk("list", "--token", desk.token) == endings.DONE
    monkeypatch.setenv("TOKEN", "Zö")
    assert desk("list") == endings.USAGE
    assert "Zö" not in desk.text
    monkeypatch.delenv("TOKEN")
    assert desk("list") == endings.USAGE
    assert "TOKEN" in desk.text


def test_a_token_that_may_only_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    scope = Scope(writes=False, channels=frozenset(), collections=frozenset(), catalogue="read")
    with permissions.by_the_test():
        monkeypatch.setenv("TOKEN", identity.create_token("anna", scope))
    assert desk("import", desk.file(SHIRTS)) == endings.REFUSED
    assert "does not permit this" in desk.text
    assert desk("export") == endings.DONE


def test_jobs_that_are_not_there(desk: Desk) -> None:
    for command in ("watch", "confirm", "cancel", "undo"):
        assert desk(command, "batch_nope") == endings.REFUSED
        assert "Batch job with id batch_nope was not found" in desk.text
    assert desk("watch", "../products") == endings.USAGE


def test_the_bar_of_a_terminal(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(product_import, "_ROWS_AT_ONCE", 1)
    desk.waits = [desk.workers.run, *[desk.some_work] * 3]
    assert desk("import", desk.file(SHIRTS), "--yes", terminal=True) == endings.DONE
    assert "Checking the file" in desk.text
    assert "Importing" in desk.text
    assert "2/5" in desk.text or "3/5" in desk.text


def test_jobs_leave_nothing_in_the_bucket_but_files(desk: Desk, stores: dict[str, str]) -> None:
    assert desk("import", desk.file(SHIRTS), "--dry-run") == endings.DONE
    desk.workers.run()
    with permissions.by_the_test():
        assert [key.partition("/")[0] for key in keys_in_bucket(stores)] == ["files"]
