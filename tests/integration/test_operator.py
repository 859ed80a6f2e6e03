"""The operator's command."""

import hashlib
import io
import json
import os
from types import SimpleNamespace

import pytest

from batchyard import operator
from batchyard.identity import operations
from batchyard.scope import Scope
from batchyard.store import clients
from identity import authorizer
from tests.integration.conftest import SECRET
from tests.support.api import Api, Context
from tests.support.authorizers import asks, effect

pytestmark = pytest.mark.usefixtures("stores")
PASSWORD = f"{SECRET} of anna"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> "Run":
    return Run(capsys, monkeypatch)


class Terminal(io.StringIO):
    """Somebody sits before it."""

    def isatty(self) -> bool:
        return True


class Run:
    """Runs commands."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys, self._monkeypatch = capsys, monkeypatch

    def __call__(
        self,
        *arguments: str,
        status: int = 0,
        typed: str = "",
        told: str = "",
        at: type[io.StringIO] = io.StringIO,
    ) -> str:
        """What a command prints; where it fails, to standard error. Where it does not, it prints `told` there."""
        self._monkeypatch.setattr("sys.stdin", at(typed))
        assert operator.main(arguments) == status
        printed = self._capsys.readouterr()
        assert (printed.err if status == 0 else printed.out) == told
        return printed.out if status == 0 else printed.err

    def refused(self, *arguments: str) -> str:
        """What the command says of arguments that it does not take."""
        with pytest.raises(SystemExit) as stopped:
            operator.main(arguments)
        assert stopped.value.code == 2
        return self._capsys.readouterr().err


def let_in(key: str) -> dict[str, str] | None:
    answer = authorizer.handler(asks(Authorization=f"Token {key}"), Context())
    return dict(answer["context"]) if effect(answer) == "Allow" else None


def test_a_token_limited_to_channels_is_not_for_all_collections(run: Run) -> None:
    run("create-user", "anna", "--password-stdin", typed=f"{PASSWORD}\n")
    run("create-channel", "Marketplace", "--pk", "5")
    for arguments, wanted in (
        (("--channels", "5"), []),
        (("--channels", "5", "--collections", "all"), "all"),
        (("--channels", "5", "--collections", "shoes"), ["shoes"]),
        ((), "all"),
    ):
        run("create-token", "anna", *arguments)
        listed = [json.loads(line) for line in run("list-tokens").splitlines()]
        assert [one["collections"] for one in listed] == [wanted]
        run("revoke-token", listed[0]["id"])


def test_without_a_terminal_a_password_has_to_be_sent_in(run: Run) -> None:
    assert "--password-stdin" in run("create-user", "anna", status=1, typed=f"{PASSWORD}\n")
    assert run("list-users") == ""


def test_a_terminal_that_ends_gives_no_password(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends() -> str:
        raise EOFError

    monkeypatch.setattr("getpass.getpass", ends)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    assert operator.main(["create-user", "anna"]) == 1
    assert capsys.readouterr().err == "batchyard: No password was typed.\n"


def test_usage_names_the_command_as_it_was_called(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run.refused("create-user").startswith("usage: python -m batchyard.operator create-user ")
    monkeypatch.setenv("BATCHYARD_CALLED_AS", "make operator ARGS=…")
    assert run.refused("create-user").startswith("usage: make operator ARGS=… create-user ")


def test_a_user_is_made_listed_and_removed(run: Run) -> None:
    assert run("create-user", "anna", "--password-stdin", "--admin", typed=f"{PASSWORD}\n") == "1 anna\n"
    limits = ("--read-only", "--channels", "7,5", "--collections", "shoes,hats")
    assert run("create-user", "bert", "--password-stdin", *limits, typed=PASSWORD) == "2 bert\n"
    listed = [json.loads(line) for line in run("list-users").splitlines()]
    assert sorted(listed, key=lambda user: user["pk"]) == [
        {
            "pk": 1,
            "name": "anna",
            "admin": True,
            "writes": True,
            "channels": "all",
            "collections": "all",
            "catalogue": "write",
            "requests_per_minute": None,
        },
        {
            "pk": 2,
            "name": "bert",
            "admin": False,
            "writes": False,
            "channels": [5, 7],
            "collections": ["hats", "shoes"],
            "catalogue": "none",
            "requests_per_minute": None,
        },
    ]
    answer = Api(None).post("/api/v1/auth/login/", {"username": "anna", "password": PASSWORD})
    context = let_in(answer.json()["key"])
    assert context is not None
    assert (context["user"], context["admin"]) == ("anna", "true")
    assert run("delete-user", "anna") == "anna deleted, 1 tokens revoked\n"
    assert let_in(answer.json()["key"]) is None
    assert "anna" not in run("list-users")


def test_a_password_is_asked_for_where_it_is_not_given(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getpass", lambda: PASSWORD)
    run("create-user", "anna", at=Terminal)
    assert operations.log_in("anna", PASSWORD)


def test_a_token_is_shown_once_listed_without_its_key_and_revoked(run: Run) -> None:
    run("create-user", "anna", "--admin", "--password-stdin", typed=PASSWORD)
    run("create-channel", "Marketplace", "--pk", "5")
    key = run(
        "create-token", "anna", "--channels", "5", "--read-only", "--requests-per-minute", "9", "--days", "2"
    ).strip()
    other = run("create-token", "anna", "--admin", "--collections", "shoes").strip()
    context = let_in(key)
    assert context is not None
    assert context == {
        "user": "anna",
        "token": context["token"],
        "admin": "false",
        "writes": "false",
        "channels": "5",
        "requests_per_minute": "9",
        "collections": "[]",
        "catalogue": "none",
    }
    admitted = let_in(other)
    assert admitted is not None
    assert (admitted["channels"], admitted["collections"]) == ("*", '["shoes"]')
    printed = run("list-tokens")
    listed = {token["id"]: token for token in map(json.loads, printed.splitlines())}
    assert len(listed) == 2
    assert listed[context["token"]]["channels"] == [5]
    assert listed[context["token"]]["expires"] > listed[context["token"]]["created"]
    for secret in (key, other, hashlib.sha256(key.encode()).hexdigest()):
        assert secret not in printed
    assert run("revoke-token", context["token"]) == f"{context['token']} revoked\n"
    assert (let_in(key), bool(let_in(other))) == (None, True)
    assert "There is no token" in run("revoke-token", context["token"], status=1)


@pytest.mark.parametrize(
    ("users", "tokens", "granted", "left_out"),
    [
        ((), ("--admin",), {"admin": False}, "--admin"),
        (("--channels", "5"), ("--channels", "5,6,7"), {"channels": [5]}, "--channels 6,7"),
        (("--channels", "5"), ("--channels", "6"), {"channels": []}, "--channels 6"),
        (("--channels", "5"), ("--channels", "all"), {"channels": [5]}, "--channels all others than 5"),
        (
            ("--collections", "shoes"),
            ("--collections", "hats,shoes"),
            {"collections": ["shoes"]},
            "--collections hats",
        ),
        (
            ("--requests-per-minute", "9"),
            ("--requests-per-minute", "10"),
            {"requests_per_minute": 9},
            "--requests-per-minute above 9",
        ),
        (("--catalogue", "read"), ("--catalogue", "write"), {"catalogue": "read"}, "--catalogue write"),
        (("--channels", "5"), ("--catalogue", "read"), {"catalogue": "none"}, "--catalogue read"),
        (("--read-only",), ("--catalogue", "write"), {"catalogue": "read", "writes": False}, "--catalogue write"),
        (
            ("--read-only", "--channels", "5"),
            ("--admin", "--collections", "all"),
            {"admin": False, "writes": False, "channels": [5], "collections": []},
            "--admin; --collections all others than none",
        ),
    ],
)
def test_a_token_gets_no_more_rights_than_its_user_and_the_difference_is_told(
    run: Run, users: tuple[str, ...], tokens: tuple[str, ...], granted: dict[str, object], left_out: str
) -> None:
    for pk in ("5", "6", "7"):
        run("create-channel", "Marketplace", "--pk", pk)
    run("create-user", "anna", "--password-stdin", *users, typed=PASSWORD)
    told = f"batchyard: anna may not do all of this. Left out: {left_out}.\n"
    assert let_in(run("create-token", "anna", *tokens, told=told).strip())
    [listed] = map(json.loads, run("list-tokens").splitlines())
    assert {name: listed[name] for name in granted} == granted


@pytest.mark.parametrize(
    ("users", "tokens", "granted"),
    [
        ((), (), "write"),
        ((), ("--read-only",), "read"),
        ((), ("--catalogue", "read"), "read"),
        ((), ("--catalogue", "none"), "none"),
        ((), ("--channels", "5"), "none"),
        ((), ("--collections", "shoes"), "none"),
        ((), ("--channels", "all", "--collections", "all"), "write"),
        ((), ("--channels", "5", "--catalogue", "write"), "write"),
        (("--read-only",), (), "read"),
        (("--channels", "5"), (), "none"),
        (("--channels", "5", "--catalogue", "read"), (), "read"),
        (("--channels", "5", "--catalogue", "write"), ("--read-only",), "read"),
        (("--catalogue", "none"), (), "none"),
    ],
)
def test_a_tokens_right_to_the_catalogue_is_set_and_described(
    run: Run, users: tuple[str, ...], tokens: tuple[str, ...], granted: str
) -> None:
    run("create-channel", "Marketplace", "--pk", "5")
    run("create-user", "anna", "--password-stdin", *users, typed=PASSWORD)
    context = let_in(run("create-token", "anna", *tokens).strip())
    assert context is not None
    assert context["catalogue"] == granted


def test_a_read_only_user_cannot_write_the_catalogue(run: Run) -> None:
    said = run(
        "create-user", "anna", "--password-stdin", "--read-only", "--catalogue", "write", typed=PASSWORD, status=1
    )
    assert said == "batchyard: What is --read-only does not write the catalogue: --catalogue read.\n"


@pytest.mark.parametrize(
    ("scope", "of_user"),
    [
        (Scope(), "write"),
        (Scope(writes=False), "read"),
        (Scope(channels=frozenset({5})), "none"),
        (Scope(collections=frozenset({"shoes"})), "none"),
    ],
)
def test_old_users_may_use_the_catalogue_and_old_tokens_may_not(
    run: Run, stores: dict[str, str], scope: Scope, of_user: str
) -> None:
    operations.create_user("anna", PASSWORD, scope)
    key = operations.create_token("anna", scope)
    for item in clients.dynamodb().scan(TableName=stores["IDENTITY_TABLE"])["Items"]:
        if item.pop("catalogue", None) is not None:
            clients.dynamodb().put_item(TableName=stores["IDENTITY_TABLE"], Item=item)
    context = let_in(key)
    assert context is not None
    assert context["catalogue"] == "none"
    [user] = map(json.loads, run("list-users").splitlines())
    assert user["catalogue"] == of_user
    context = let_in(operations.log_in("anna", PASSWORD))
    assert context is not None
    assert context["catalogue"] == of_user


def test_a_request_limit_of_a_token_is_its_own(run: Run) -> None:
    run("create-user", "anna", "--password-stdin", typed=PASSWORD)
    run("create-token", "anna", "--requests-per-minute", "10000")
    [listed] = map(json.loads, run("list-tokens").splitlines())
    assert listed["requests_per_minute"] == 10_000


def test_a_token_for_a_channel_that_is_not_there_is_not_made(run: Run) -> None:
    run("create-user", "anna", "--password-stdin", typed=PASSWORD)
    run("create-channel", "Marketplace", "--pk", "5")
    refused = run("create-token", "anna", "--channels", "5,8,6", status=1)
    assert refused == "batchyard: There is no channel 6, 8.\n"
    assert run("list-tokens") == ""
    # A channel of the user's that has gone meanwhile was not asked for.
    run("create-user", "bert", "--password-stdin", "--channels", "5,6", typed=PASSWORD)
    assert let_in(run("create-token", "bert").strip())


def test_channels_are_made_with_the_primary_keys_that_clients_know(run: Run) -> None:
    assert run("create-channel", "Marketplace", "--pk", "77", "--stale-after", "3600") == "77\n"
    assert run("create-channel", "Other") == "1\n"
    assert "77" in run("create-channel", "Again", "--pk", "77", status=1)
    assert [json.loads(line) for line in run("list-channels").splitlines()] == [
        {"pk": 1, "name": "Other", "is_active": True, "stale_after": None},
        {"pk": 77, "name": "Marketplace", "is_active": True, "stale_after": 3600},
    ]


def test_missing_and_existing_users_tokens_and_channels_are_told(run: Run) -> None:
    run("create-user", "anna", "--password-stdin", typed=PASSWORD)
    assert "anna" in run("create-user", "anna", "--password-stdin", typed=PASSWORD[::-1], status=1)
    assert operations.log_in("anna", PASSWORD)
    assert "nobody" in run("create-token", "nobody", status=1)
    assert "nobody" in run("delete-user", "nobody", status=1)


def test_tallies_are_recounted(run: Run, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchyard.batch_requests.recounting._rest", lambda: None)
    channel = api.open_channel()
    api.open_batch(channel)
    assert json.loads(run("recount", str(channel))) == {
        "channel": channel,
        "repaired": {"status#initialized": 1, "type#2#initialized": 1},
    }
    assert json.loads(run("recount", str(channel)))["repaired"] == {}


def test_the_key_for_serial_numbers_is_rotated_and_only_its_version_shown(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batchyard.serial_codes.keys.rotate", lambda: 4)
    assert run("rotate-serial-key") == "4\n"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nonsense",),
        ("create-user",),
        ("create-token", "anna", "--channels", "5,x"),
        ("create-token", "anna", "--channels", ""),
        ("create-token", "anna", "--channels", "-5"),
        ("create-token", "anna", "--catalogue", "all"),
        ("create-token", "anna", "--collections", ""),
        ("create-token", "anna", "--collections", "shoes,,hats"),
        ("create-token", "anna", "--requests-per-minute", "0"),
        ("create-token", "anna", "--requests-per-minute", "-1"),
        ("create-token", "anna", "--days", "0"),
        ("create-channel", "x", "--pk", "x"),
        ("create-channel", "x", "--pk", "-1"),
        ("create-channel", "x", "--pk", "0"),
        ("recount", "x"),
    ],
)
def test_bad_arguments_of_the_operators_command_are_refused(run: Run, arguments: tuple[str, ...]) -> None:
    operations.create_user("anna", PASSWORD, Scope())
    assert "usage" in run.refused(*arguments)
    assert run("list-tokens") == ""
    assert run("list-channels") == ""


@pytest.mark.parametrize(
    ("field", "arguments"),
    [("name", ("",)), ("name", ("   ",)), ("name", ("x" * 256,)), ("stale_after", ("x", "--stale-after", "59"))],
)
def test_a_bad_channel_is_not_made(run: Run, field: str, arguments: tuple[str, ...]) -> None:
    assert run("create-channel", *arguments, status=1).startswith(f"batchyard: {field}: ")
    assert run("list-channels") == ""


@pytest.mark.parametrize("password", ["", "\n", f"{SECRET} elev\n", "x" * 1025])
def test_a_user_without_a_good_password_is_not_made(run: Run, password: str) -> None:
    assert "password has 12 to 1024 characters" in run(
        "create-user", "anna", "--password-stdin", typed=password, status=1
    )
    assert run("list-users") == ""


def test_the_tables_and_the_secret_of_a_stack_are_taken_from_its_outputs(
    run: Run, stores: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = [
        {"OutputKey": "ChannelsTable", "OutputValue": stores["CHANNELS_TABLE"]},
        {"OutputKey": "IdentityTable", "OutputValue": stores["IDENTITY_TABLE"]},
        {"OutputKey": "SerialKeysSecret", "OutputValue": "arn:aws:secretsmanager:eu-central-1:1:secret:keys"},
        {"OutputKey": "BaseUrl", "OutputValue": "https://example.com"},
    ]

    class CloudFormation:
        def describe_stacks(self, StackName: str) -> dict[str, object]:
            assert StackName == "yard"
            return {"Stacks": [{"StackStatus": "UPDATE_COMPLETE", "Outputs": outputs}]}

    monkeypatch.setattr("botocore.session.Session.create_client", lambda *_, **__: CloudFormation())
    monkeypatch.setenv("CHANNELS_TABLE", "elsewhere")
    monkeypatch.setenv("IDENTITY_TABLE", "elsewhere")
    monkeypatch.setenv("SERIAL_KEYS_SECRET", "elsewhere")
    assert run("--stack", "yard", "create-channel", "Marketplace") == "1\n"
    assert clients.dynamodb().scan(TableName=stores["CHANNELS_TABLE"])["Count"] == 2
    assert os.environ["SERIAL_KEYS_SECRET"] == "arn:aws:secretsmanager:eu-central-1:1:secret:keys"


def test_a_stack_that_is_not_there_is_a_sentence(run: Run) -> None:
    said = run("--stack", "yard", "list-users", status=1)
    assert said == "batchyard: There is no stack yard in eu-central-1; AWS_REGION chooses another region.\n"


@pytest.mark.parametrize("outputs", [{}, {"Outputs": [{"OutputKey": "ApiUrl", "OutputValue": "https://example.com"}]}])
def test_a_stack_that_is_not_ready_is_a_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch, outputs: dict[str, object]
) -> None:
    client = SimpleNamespace(
        describe_stacks=lambda StackName: {"Stacks": [{"StackStatus": "ROLLBACK_COMPLETE", **outputs}]}
    )
    monkeypatch.setattr("botocore.session.Session.create_client", lambda *_, **__: client)
    said = run("--stack", "yard", "list-users", status=1)
    assert said == "batchyard: The stack yard is not ready: it is ROLLBACK_COMPLETE.\n"


@pytest.mark.parametrize("missing", ["AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID"])
def test_a_missing_region_or_credentials_of_the_operator_is_a_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name in (missing, *(("AWS_REGION",) if missing == "AWS_DEFAULT_REGION" else ())):
        monkeypatch.delenv(name)
    said = run("--stack", "yard", "list-users", status=1)
    assert said.startswith("batchyard: ")
    assert len(said.splitlines()) == 1
    assert ("region" if "REGION" in missing else "credentials") in said
