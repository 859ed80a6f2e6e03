"""What is computed from the code: a stale file is found, and what does not fit together is told."""

import base64
import json
import shutil
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from tools.generate import ROOT, Unfit, __main__, alarms, events, policies, products, template
from tools.generate.cloudformation import parsed
from tools.generate.handlers import Handler, handlers
from tools.generate.parts import Part, Parts, parts

ROUTES = Path("functions/gateway/routes.json")
DOCUMENT = Path("functions/docs/openapi.json")
TEMPLATE = Path("template.yaml")
SAMPLE = Path("events/channels/list.json")


@pytest.fixture(scope="module")
def known() -> list[Handler]:
    return list(handlers())


@pytest.fixture(scope="module")
def made() -> list[products.Product]:
    return list(products.products())


@pytest.fixture
def committed(made: list[products.Product], tmp_path: Path) -> Path:
    """A copy of what is committed."""
    for product in made:
        for file in product.texts:
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, tmp_path / file)
    return tmp_path


def test_generated_files_are_up_to_date() -> None:
    assert __main__.main(["--check"]) == 0


@pytest.mark.parametrize(
    ("file", "said", "wanted"),
    [
        (ROUTES, '"GET": "channels.list"', '"GET": "channels.all"'),
        (DOCUMENT, '"summary": "Open a batch request"', '"summary": "Close it"'),
        # Of the template: a route, a refused method, a gateway response, an alarm, the batch's policy, the dashboard.
        (TEMPLATE, "Path: /api/v1/channels\n", "Path: /api/v2/channels\n"),
        (TEMPLATE, "/api/v1/active_user:\n            delete:", "/api/v1/active_user:\n            get:"),
        (TEMPLATE, '"detail":"Not found."', '"detail":"Gone."'),
        (TEMPLATE, "There are blobs that were not looked at.", "There are blobs."),
        (TEMPLATE, "Action: [dynamodb:GetItem, dynamodb:PutItem, dynamodb:Query, dynamodb:UpdateItem]", "Action: []"),
        (TEMPLATE, '["AWS/Lambda", "IteratorAge", "FunctionName", "${StartExportFunction}"]', "[]"),
        # And what is put together from its parts.
        (TEMPLATE, "TimeToLiveSpecification: {AttributeName: expires, Enabled: true}", "Other: true"),
        (SAMPLE, '"httpMethod": "GET"', '"httpMethod": "HEAD"'),
    ],
)
def test_a_stale_generated_file_is_found_and_written_anew(
    made: list[products.Product], committed: Path, file: Path, said: str, wanted: str
) -> None:
    text = (committed / file).read_text()
    assert said in text
    (committed / file).write_text(text.replace(said, wanted))

    [(found, difference)] = products.stale(made, committed)

    assert found == file
    assert any(line.startswith("+") and said.splitlines()[-1].strip() in line for line in difference.splitlines())
    products.write(made, committed)
    assert (committed / file).read_text() == text
    assert list(products.stale(made, committed)) == []


@pytest.mark.parametrize("file", [ROUTES, DOCUMENT, TEMPLATE, SAMPLE])
def test_a_missing_generated_file_is_found(made: list[products.Product], committed: Path, file: Path) -> None:
    (committed / file).unlink()

    assert [found for found, _ in products.stale(made, committed)] == [file]
    products.write(made, committed)
    assert list(products.stale(made, committed)) == []


def test_an_event_that_nothing_makes_any_more_is_found(made: list[products.Product], committed: Path) -> None:
    orphan = Path("events/channels/rename.json")
    (committed / orphan).write_text("{}")

    assert [found for found, _ in products.stale(made, committed)] == [orphan]
    products.write(made, committed)
    assert not (committed / orphan).exists()


def test_an_event_that_another_zlib_has_compressed_is_the_same(tmp_path: Path) -> None:
    def event(content: bytes, level: int) -> str:
        return json.dumps({"objects": {"B": base64.b64encode(zlib.compress(content, level=level)).decode()}})

    file = Path("event.json")
    made = [products.Product({file: event(b"[1, 2]", 9)}, meaning=events.meaning)]
    for committed, found in (
        (event(b"[1, 2]", 9), []),
        (event(b"[1, 2]", 0), []),
        (event(b"[1, 3]", 9), [file]),
        ("no JSON", [file]),
    ):
        (tmp_path / file).write_text(committed)
        assert [stale for stale, _ in products.stale(made, tmp_path)] == found


def test_generate_check_names_each_stale_file_and_the_remedy(
    made: list[products.Product], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # What is made of a stale file is not looked at.
    for product, files in ((made[0], (ROUTES, TEMPLATE)), (made[1], (DOCUMENT,))):
        other = [replace(product, texts={file: text + "\n# more" for file, text in product.texts.items()})]
        monkeypatch.setattr(__main__, "products", lambda other=other: other)

        assert __main__.main(["--check"]) == 1

        told = capsys.readouterr()
        for file in files:
            assert f"{file} is stale" in told.out
        assert "+# more" in told.out
        assert "make generate" in told.err


def test_generate_tells_parts_that_do_not_fit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unfit() -> list[products.Product]:
        raise Unfit("two functions answer GET /x")

    monkeypatch.setattr(__main__, "products", unfit)
    assert __main__.main([]) == 1
    assert "two functions answer GET /x" in capsys.readouterr().err


def altered(said: str, instead: str) -> Parts:
    """The parts with other words in one of them."""
    own = parts()
    changed = [Part(part.name, part.text.replace(said, instead)) for part in own.families]
    assert [part.text for part in changed] != [part.text for part in own.families]
    return replace(own, families=changed)


@pytest.mark.parametrize(
    ("said", "instead", "told"),
    [
        ("Handler: channels.list.handler", "Handler: channels.all.handler", "ListChannelsFunction has the handler"),
        ("ListChannelsFunction:\n    Type: AWS::Serverless::Function", "A:\n    Type: B", "for channels.list"),
        ("generated: what may be done in a batch", "generated: nothing", "'nothing'"),
        ("# generated: what may be done in a batch", "[]", "no place for what may be done in a batch"),
        ("\nEnvironment:\n", "\nEnviroment:\n", "no place for Enviroment"),
        ("  ChannelsTable:\n    Type:", "  IdentityTable:\n    Type:", "IdentityTable, as another part has"),
        (
            "Handler: channels.list.handler\n",
            "Handler: channels.list.handler\n      Events: {}\n",
            "ListChannelsFunction has Events",
        ),
        ("    Age: New exports wait for more than a minute.\n", "", "StartExportFunction .* Age"),
        ("    Errors: The nightly recount fails.\n", "    Age: It waits.\n", "RecountBatchRequestsFunction .* Errors"),
        ("    DeadLetters: There are blobs that were", "    Age: They were", "SweepDeadLetterQueue .* DeadLetters"),
        ("    ReadThrottles: Reads of product batches are", "    Errors: Reads are", "ProductBatchesTable cannot have"),
    ],
)
def test_parts_of_the_template_that_do_not_fit_are_told(
    known: list[Handler], said: str, instead: str, told: str
) -> None:
    with pytest.raises(Unfit, match=told):
        template.text(altered(said, instead), known)


def test_a_new_queue_for_dead_letters_gets_its_alarm(known: list[Handler]) -> None:
    words = "There are: letters, that nobody reads."
    with_queue = altered(
        "  UploadsDeadLetterQueue:\n    Type: AWS::SQS::Queue\n",
        "  MoreDeadLetterQueue:\n    Type: AWS::SQS::Queue\n  UploadsDeadLetterQueue:\n    Type: AWS::SQS::Queue\n",
    )
    with pytest.raises(Unfit, match="MoreDeadLetterQueue"):
        alarms.text(with_queue, known)

    said = [
        Part(one.name, f'{one.text}  MoreDeadLetterQueue:\n    DeadLetters: "{words}"\n')
        for one in with_queue.families[:1]
    ]
    written = parsed(alarms.text(replace(with_queue, families=[*said, *with_queue.families[1:]]), known))

    assert written["MoreDeadLettersAlarm"]["Properties"]["AlarmDescription"] == words
    assert written["MoreDeadLettersAlarm"]["Properties"]["Dimensions"] == [
        {"Name": "QueueName", "Value": {"GetAtt": "MoreDeadLetterQueue.QueueName"}}
    ]


def test_a_union_of_policies_permits_no_more_than_its_policies() -> None:
    def function(*statements: tuple[object, object]) -> dict[str, object]:
        return {
            "Policies": [{"Statement": [{"Action": action, "Resource": resource} for action, resource in statements]}]
        }

    table, index, bucket = {"GetAtt": "Table.Arn"}, {"Sub": "${Table.Arn}/index/by_name"}, {"Sub": "${Bucket.Arn}/x/*"}
    written = policies.union(
        [
            function((["dynamodb:PutItem", "dynamodb:GetItem"], table), ("dynamodb:Query", [index])),
            {},
            function((["dynamodb:GetItem"], [table, index]), ("s3:GetObject", bucket)),
            function(("dynamodb:GetItem", {"GetAtt": "Other.Arn"}), ("dynamodb:Query", {"GetAtt": "Other.Arn"})),
        ]
    )
    assert parsed(written) == [
        {"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"], "Resource": [table]},
        {
            "Effect": "Allow",
            "Action": ["dynamodb:GetItem", "dynamodb:Query"],
            "Resource": [{"GetAtt": "Other.Arn"}, index],
        },
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [bucket]},
    ]


def test_comments_and_layout_of_the_parts_stay() -> None:
    written = (ROOT / TEMPLATE).read_text()
    own = parts()
    for part in [own.frame, *own.families]:
        for line in part.sections["Resources"].splitlines():
            assert "generated:" in line or "families:" in line or line in written, line


def test_the_table_of_routes_names_every_route(known: list[Handler]) -> None:
    table = json.loads((ROOT / ROUTES).read_text())
    served = {(handler.module.__name__, *handler.route) for handler in known if handler.route is not None}
    served |= {(module, "HEAD", path) for module, method, path in served if method == "GET"}
    served |= {("gateway.fallback", "OPTIONS", path) for _, _, path in served if path.startswith("/public/")}
    assert {(module, method, path) for path, by in table.items() for method, module in by.items()} == served
