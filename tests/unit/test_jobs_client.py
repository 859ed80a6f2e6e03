"""The client for people, `python -m tools.jobs`, where the service is busy, far away, or another one."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from tools import environment
from tools.jobs import api, endings
from tools.jobs.__main__ import main
from tools.jobs.show import Screen

TOKEN = "k" * 40
NOW = "2026-11-22T02:44:33.291Z"
type Answer = httpx.Response | Exception
type Answers = Callable[[httpx.Request], Answer]


def job(status: str, result: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
    """A job as the service answers it."""
    made = {"id": "batch_1", "type": "product-import", "status": status, "result": result, "dry_run": True}
    return httpx.Response(200, json={"batch_job": {**made, "context": {}, "created_at": NOW, **more}})


def refused(status: int, message: str, kind: str = "not_allowed", **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"type": kind, "message": message}, headers=headers)


LISTED = httpx.Response(200, json={"batch_jobs": [], "count": 0, "offset": 0, "limit": 20})


class Line:
    """The client, and a service that answers what it is told to."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.pauses: list[float] = []
        self.text = ""

    def __call__(self, answers: list[Answer] | Answers, *words: str, someone: bool = False) -> int:
        """Runs the client against these answers, all of which must be asked for."""
        self.asked, self.pauses = [], []
        left = answers if isinstance(answers, list) else None

        def answer(request: httpx.Request) -> httpx.Response:
            request.read()
            self.asked.append(request)
            found = answers(request) if callable(answers) else answers.pop(0)
            if isinstance(found, Exception):
                raise found
            return found

        out = io.StringIO()
        console = Console(file=out, highlight=False, markup=False, width=120)
        screen = Screen(console, is_interactive=someone, ask=lambda question: "y")
        code = main(words, screen=screen, pause=self.pauses.append, transport=httpx.MockTransport(answer))
        self.text = out.getvalue()
        assert TOKEN not in self.text
        assert not left
        return code


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Line:
    monkeypatch.setattr(environment, "FILE", tmp_path / "stack.env")
    monkeypatch.setenv("BASE_URL", "https://shop.example/prod/")
    monkeypatch.setenv("TOKEN", TOKEN)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "products.csv").write_text("Product Handle\r\nshirt\r\n")
    return Line()


# Patience.


def test_requests_of_the_jobs_client_are_retried(line: Line) -> None:
    answers: list[Answer] = [
        httpx.Response(503, headers={"Retry-After": "1"}),
        refused(429, "There were too many requests.", "too_many_requests", **{"Retry-After": "17"}),
        httpx.Response(502, text="<html>"),
        httpx.ReadError("reset"),
        httpx.ConnectError("refused"),
        LISTED,
    ]
    assert line(answers, "list") == endings.DONE
    assert line.pauses == [1, 17, 2, 4, 8]
    assert {one.headers["authorization"] for one in line.asked} == {f"Bearer {TOKEN}"}
    assert {str(one.url) for one in line.asked} == {"https://shop.example/prod/admin/batch-jobs?limit=20&offset=0"}


@pytest.mark.parametrize("answer", [httpx.Response(503), httpx.Response(500), httpx.ReadTimeout("slow")])
def test_retries_of_the_jobs_client_end_after_its_patience(line: Line, answer: Answer) -> None:
    assert line(lambda request: answer, "list", "--patience", "30") == endings.NO_ANSWER
    assert line.pauses == [0.5, 1, 2, 4, 8, 10]
    assert "https://shop.example/prod" in line.text


def test_retries_without_a_pause_end(line: Line) -> None:
    busy = httpx.Response(503, headers={"Retry-After": "0"})
    assert line(lambda request: busy, "list", "--patience", "5") == endings.NO_ANSWER
    assert line.pauses == [0] * 11


def test_a_retry_after_of_a_day_is_told_at_once(line: Line) -> None:
    message = "There may be 100 uploads that no job has used, and there are 100."
    answers: list[Answer] = [refused(429, message, "too_many_requests", **{"Retry-After": "86400"})]
    assert line(answers, "import", "products.csv") == endings.REFUSED
    assert message in line.text
    assert line.pauses == []


def test_a_refused_connection_is_not_retried(line: Line) -> None:
    assert line([httpx.ConnectError("refused")], "list") == endings.NO_ANSWER
    assert line.pauses == []


def test_a_repeated_request_is_the_same_job(line: Line) -> None:
    uploaded = httpx.Response(200, json={"uploads": [{"url": "https://s3.example/a", "key": "files/u/1/a.csv"}]})
    answers: list[Answer] = [
        *(uploaded, httpx.ReadError("reset"), httpx.Response(503), job("pre_processed", {"count": 1})),
        *(job("confirmed", {"count": 1}), job("completed", {"count": 1, "operations": {"PRODUCT_CREATE": 1}})),
    ]
    assert line(answers, "import", "products.csv", "--yes") == endings.DONE
    keys = {one.headers["idempotency-key"] for one in line.asked[1:4]}
    assert len(keys) == 1
    assert {one.content for one in line.asked[1:4]} == {line.asked[1].content}
    assert "1 new product" in line.text


def test_a_confirmation_whose_answer_got_lost_counts(line: Line) -> None:
    answers: list[Answer] = [
        *(job("pre_processed", {"count": 1}), httpx.ReadError("reset")),
        refused(400, "Cannot confirm processing for a batch job that is not pre processed"),
        *(job("processing", {"count": 1}), job("completed", {"count": 1})),
    ]
    assert line(answers, "confirm", "batch_1", "--yes") == endings.DONE
    answers = [job("pre_processed", {"count": 1}), refused(400, "Never"), job("pre_processed", {"count": 1})]
    assert line(answers, "confirm", "batch_1", "--yes") == endings.REFUSED
    assert "Never" in line.text


def test_a_job_whose_service_falls_silent_can_be_watched_later(line: Line) -> None:
    answers: Iterator[Answer] = iter([job("processing", {"count": 9})])

    def answer(request: httpx.Request) -> Answer:
        return next(answers, httpx.ReadError("reset"))

    assert line(answer, "watch", "batch_1", "--patience", "1") == endings.NO_ANSWER
    assert "  python -m tools.jobs watch batch_1" in line.text


def test_the_undo_of_a_canceled_job_is_not_waited_for_for_ever(line: Line) -> None:
    canceled: dict[str, Any] = {"status": "canceled", "result": {"count": 9}, "processing_at": NOW}
    assert line(lambda request: job(**canceled), "watch", "batch_1") == endings.FAILED
    assert 60 <= sum(line.pauses) < 70
    assert "What it had changed is being taken back." in line.text


# Files.


def test_a_url_that_has_ended_is_asked_for_again(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "LARGEST_FORM", 3)
    places = iter("ab")

    def answer(request: httpx.Request) -> Answer:
        match request.method, request.url.path:
            case "POST", "/prod/admin/uploads/presigned-urls":
                url = f"https://s3.example/{next(places)}"
                return httpx.Response(201, json={"url": url, "key": f"files{httpx.URL(url).path}", "expires_at": NOW})
            case "PUT", "/a":
                return httpx.Response(403, text="Request has expired")
            case "PUT", "/b":
                return httpx.Response(200)
        assert json.loads(request.content)["context"] == {"fileKey": "files/b"}
        return job("failed", {"errors": [{"code": "x", "message": "No.", "err": "No."}], "error_count": 1})

    assert line(answer, "import", "products.csv") == endings.FAILED
    puts = [one for one in line.asked if one.method == "PUT"]
    assert [one.content for one in puts] == [b"Product Handle\r\nshirt\r\n"] * 2
    assert not any("authorization" in one.headers for one in puts)


def test_an_upload_that_s3_refuses_is_reported(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "LARGEST_FORM", 3)
    place = httpx.Response(201, json={"url": "https://s3.example/a?sig=secret", "key": "files/a", "expires_at": NOW})
    answers: list[Answer] = [place, httpx.Response(403), place, httpx.Response(403)]
    assert line(answers, "import", "products.csv") == endings.REFUSED
    assert "The file was not taken (403)" in line.text
    assert "secret" not in line.text


EXPORTED = {"count": 1, "file_key": "files/u/1/e.csv", "file_size": 6}
WHERE = httpx.Response(200, json={"download_url": "https://s3.example/e?sig=secret"})


class Torn(httpx.SyncByteStream):
    """A body that ends before its end."""

    def __iter__(self) -> Iterator[bytes]:
        yield b"abc"
        raise httpx.ReadError("reset")


def test_a_download_that_breaks_off_begins_anew(line: Line, tmp_path: Path) -> None:
    answers: list[Answer] = [
        *(job("completed", EXPORTED, type="product-export"), WHERE, httpx.Response(200, stream=Torn())),
        *(WHERE, httpx.Response(200, content=b"abcde"), WHERE, httpx.Response(503), WHERE),
        httpx.Response(200, content=b"abcdef"),
    ]
    assert line(answers, "export") == endings.DONE
    assert (tmp_path / "product-export.csv").read_bytes() == b"abcdef"
    assert line.pauses == [0.5, 1, 2]
    assert not list(tmp_path.glob("*.part"))


def test_an_export_took_as_long_as_somebody_waited(line: Line) -> None:
    moments = {"processing_at": "2026-11-22T02:44:36.291Z", "completed_at": "2026-11-22T02:44:36.391Z"}
    for is_confirmed, seconds in ((False, "3.1"), (True, "0.1")):
        done = job("completed", EXPORTED, type="product-export", dry_run=is_confirmed, **moments)
        assert line([done, WHERE, httpx.Response(200, content=b"abcdef")], "export", "--force") == endings.DONE
        assert f"Exported in {seconds} s: " in line.text


def test_a_download_that_never_comes_whole_leaves_nothing(line: Line, tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> Answer:
        if request.url.host == "s3.example":
            return httpx.Response(200, content=b"abcdefg")
        return WHERE if request.url.path.endswith("url") else job("completed", EXPORTED, type="product-export")

    assert line(answer, "export", "--patience", "2") == endings.NO_ANSWER
    assert "files/u/1/e.csv" in line.text
    assert [one.name for one in tmp_path.iterdir()] == ["products.csv"]


def test_a_job_whose_error_file_does_not_come_has_failed_all_the_same(line: Line, tmp_path: Path) -> None:
    answers: list[Answer] = [
        job(
            "failed", {"error_file_key": "files/u/1/x", "operations": {}, "errors": [{"code": "a", "message": "Bad."}]}
        ),
        refused(404, "File with key files/u/1/x was not found", "not_found"),
    ]
    assert line(answers, "watch", "batch_1") == endings.FAILED
    assert "could not be fetched: File with key" in line.text


# Another service.


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>Welcome</html>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"batch_job": None}),
        httpx.Response(200, json={"batch_job": {"id": 7}}),
    ],
)
def test_answers_of_another_service_are_reported(line: Line, answer: httpx.Response) -> None:
    assert line([answer], "watch", "batch_1") == endings.NO_ANSWER
    assert "is the address right?" in line.text


def test_a_refusal_without_a_json_body(line: Line) -> None:
    assert line([httpx.Response(404, text="Not Found")], "watch", "batch_1") == endings.REFUSED
    assert "The service refuses this (404)" in line.text


# Deleting.


def test_products_are_deleted_after_a_yes(line: Line) -> None:
    deleting: dict[str, Any] = {"type": "product-delete"}
    result = {"count": 1200, "operations": {"PRODUCT_DELETE": 1200}}
    done: dict[str, Any] = {"processing_at": NOW, "completed_at": "2026-11-22T02:44:35.791Z"}
    answers: list[Answer] = [
        *(job("created", **deleting), job("pre_processed", result, **deleting)),
        *(job("confirmed", result, **deleting), job("completed", result, **deleting, **done)),
    ]
    words = ["--filter", "status=draft", "--filter", "updated_at[lt]=2026-01-01", "--filter", "status=proposed"]
    assert line(answers, "delete", *words, someone=True) == endings.DONE
    assert "This deletes: 1,200 products." in line.text
    assert "Deleted in 2.5 s: 1,200 products." in line.text
    assert "  python -m tools.jobs undo batch_1" in line.text
    assert json.loads(line.asked[0].content) == {
        "type": "product-delete",
        "context": {"filterable_fields": {"status": ["draft", "proposed"], "updated_at": {"lt": "2026-01-01"}}},
        "dry_run": True,
    }


def test_products_of_a_file_are_deleted(line: Line) -> None:
    uploaded = httpx.Response(200, json={"uploads": [{"url": "https://s3.example/a", "key": "files/u/1/a.csv"}]})
    answers: list[Answer] = [uploaded, job("pre_processed", {"count": 1}, type="product-delete")]
    assert line(answers, "delete", "products.csv") == endings.NOT_CONFIRMED
    assert json.loads(line.asked[1].content)["context"] == {"fileKey": "files/u/1/a.csv"}


def test_a_service_without_a_type_of_job(line: Line) -> None:
    unknown = refused(404, "Unable to find a BatchJob strategy with the type product-delete", "not_found")
    assert line([unknown], "delete", "--filter", "status=draft") == endings.REFUSED
    assert "This service has no jobs of type product-delete" in line.text


# Notices.


def test_notices_are_counted_in_words(line: Line) -> None:
    told = [{"message": "Drafts", "count": 1}, {"message": "Left out", "count": 1200}, {"message": "Seen"}]
    assert line([job("pre_processed", {"notices": told})], "watch", "batch_1") == endings.NOT_CONFIRMED
    for words in ("Note: Drafts (once).", "Note: Left out (1,200 times).", "Note: Seen."):
        assert words in line.text


# The command line.


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["imprt"],
        ["import"],
        ["import", "products.csv", "--yes", "--dry-run"],
        ["import", "products.csv", "--dialect", "other"],
        ["export", "--filter", "status"],
        ["export", "--filter", "created_at=2026-01-01"],
        ["export", "--limit", "0"],
        ["list", "--limit", "x"],
        ["watch"],
    ],
)
def test_command_lines_that_cannot_be_parsed(line: Line, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        line([], *words)
    assert left.value.code == endings.USAGE
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "usage: python -m tools.jobs" in captured.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["import", "none.csv"], "There is no file none.csv"),
        (["import", "."], "cannot be read"),
        (["import", "products.csv", "--dialect", "shopify"], "add --currency"),
        (["import", "products.csv", "--mapping", "none.json"], "There is no file none.json"),
        (["import", "products.csv", "--mapping", "bad.json"], "bad.json is no JSON: line 1, column 2"),
        (["import", "products.csv", "--mapping", "list.json"], "list.json must hold"),
        (["import", "products.csv", "--mapping", "latin.json"], "latin.json is not text in UTF-8"),
        (["import", "huge.csv"], "split it"),
        (["export", "--out", "none/e.csv"], "There is no folder none"),
        (["export", "--out", "products.csv"], "--force"),
        (["delete"], "Say what to delete"),
        (["delete", "products.csv", "--filter", "status=draft"], "Say what to delete"),
        (["watch", "a/b"], "a/b is no ID of a job"),
        (["list", "--base-url", "shop.example"], "it begins with https://"),
    ],
)
def test_files_and_arguments_that_cannot_be_used(
    line: Line, words: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "list.json").write_text('{"a": 1}')
    (tmp_path / "latin.json").write_bytes('{"Größe": null}'.encode("latin-1"))
    with (tmp_path / "huge.csv").open("wb") as huge:
        huge.truncate(api.LARGEST_FILE + 1)
    assert line([], *words, "--json") == endings.USAGE
    assert told in line.text
    assert told in json.loads(capsys.readouterr().out)["message"]


def test_address_and_token_come_from_options_environment_or_file(
    line: Line, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert line([LISTED], "list", "--base-url", "https://other.example", "--token", "t") == endings.DONE
    assert line.asked[0].url.host == "other.example"
    assert line.asked[0].headers["authorization"] == "Bearer t"
    monkeypatch.delenv("BASE_URL")
    assert line([], "list") == endings.USAGE
    assert "BASE_URL" in line.text
    (tmp_path / "stack.env").write_text("export BASE_URL='http://localhost:3000/x y'\nTOKEN=other # for curl\n")
    assert line([LISTED], "list") == endings.DONE
    assert line.asked[0].url.host == "localhost"
    assert line.asked[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_an_import_interrupted_before_there_is_a_job(line: Line) -> None:
    def answer(request: httpx.Request) -> Answer:
        raise KeyboardInterrupt

    assert line(answer, "import", "products.csv") == endings.INTERRUPTED
    assert "If a job was made, this shows it:\n  python -m tools.jobs list" in line.text


def test_help_tells_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == endings.DONE
    text = capsys.readouterr().out
    codes = {value for name, value in vars(endings).items() if name.isupper() and isinstance(value, int)}
    assert codes == {code for code, _ in endings.TOLD} == {0, 1, 2, 3, 4, 5, 130}
    for code, what in endings.TOLD:
        assert f"{code}  {what}" in text
