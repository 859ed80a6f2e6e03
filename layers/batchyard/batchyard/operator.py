"""The operator's command: makes, lists and removes users, tokens, channels, and what products refer to.

    python -m batchyard.operator create-user anna --password-stdin
    python -m batchyard.operator create-token anna --channels 5,7 --collections shoes --read-only

It works on the tables and the secret that the environment names (`IDENTITY_TABLE`, `SERIAL_KEYS_SECRET`, …), or on
those of a deployed stack with `--stack NAME`, with the caller's own AWS credentials and region.
"""

import argparse
import getpass
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from batchyard.batch_requests import recounting
from batchyard.catalogue import commands as catalogue
from batchyard.catalogue import tally
from batchyard.channels import operations as channels
from batchyard.channels import repository as channel_repository
from batchyard.channels.schemas import ChannelCreate
from batchyard.clock import iso
from batchyard.dead_letters import DeadLetters
from batchyard.errors import BatchyardError, Invalid
from batchyard.identity import operations as identity
from batchyard.identity import repository
from batchyard.identity.rules import Token, User
from batchyard.product_batches import lots
from batchyard.scope import ACCESSES, Scope


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        if options.stack:
            enter(options.stack)
        elif "IDENTITY_TABLE" not in os.environ:
            raise BatchyardError("Say whose tables to work on: --stack NAME.")
        options.run(options)
    except Invalid as error:
        print(f"batchyard: {' '.join(word for words in error.fields.values() for word in words)}", file=sys.stderr)
        return 1
    except (BatchyardError, BotoCoreError, ClientError) as error:
        print(f"batchyard: {getattr(error, 'detail', None) or error}", file=sys.stderr)
        return 1
    return 0


def _create_user(options: argparse.Namespace) -> None:
    password = sys.stdin.readline().rstrip("\n") if options.password_stdin else _asked_for()
    user = identity.create_user(options.name, password, _scope(options))
    print(f"{user.pk} {user.name}")


def _asked_for() -> str:
    """A password that somebody types."""
    if not sys.stdin.isatty():
        raise BatchyardError("There is no terminal to ask for the password at. Send it in, and say --password-stdin.")
    try:
        return getpass.getpass()
    except EOFError:
        raise BatchyardError("No password was typed.") from None


def _delete_user(options: argparse.Namespace) -> None:
    revoked = identity.delete_user(options.name)
    print(f"{options.name} deleted, {len(revoked)} tokens revoked")


def _list_users(_: argparse.Namespace) -> None:
    for user in repository.every():
        if isinstance(user, User):
            print(json.dumps({"pk": user.pk, "name": user.name, **_described(user.scope)}))


def _create_token(options: argparse.Namespace) -> None:
    days = options.days
    users = identity.find_user(options.user).scope
    asked = _scope(options, users)
    if named := getattr(options, "channels", None):
        unknown = named - {channel.pk for channel in channel_repository.every()}
        if unknown:
            raise BatchyardError(f"There is no channel {', '.join(map(str, sorted(unknown)))}.")
    key = identity.create_token(options.user, asked, None if days is None else days * 86_400)
    if left_out := _left_out(asked, asked.within(users)):
        print(f"batchyard: {options.user} may not do all of this. Left out: {'; '.join(left_out)}.", file=sys.stderr)
    print(key)


def _list_tokens(_: argparse.Namespace) -> None:
    for token in repository.every():
        if isinstance(token, Token):
            expires = None if token.expires_s is None else iso(token.expires_s * 1_000_000)
            fields = {"id": token.id, "user": token.user, "created": iso(token.created), "expires": expires}
            print(json.dumps({**fields, **_described(token.scope)}))


def _revoke_token(options: argparse.Namespace) -> None:
    revoked = identity.revoke(lambda token: token.id == options.id)
    if not revoked:
        raise BatchyardError("There is no token of this ID; `list-tokens` shows them.")
    print(f"{options.id} revoked")


def _create_channel(options: argparse.Namespace) -> None:
    try:
        fields = ChannelCreate(name=options.name, stale_after=options.stale_after).model_dump()
    except ValidationError as error:
        raise BatchyardError("; ".join(f"{found['loc'][0]}: {found['msg']}" for found in error.errors())) from None
    print(channels.create(fields, options.pk).pk)


def _list_channels(_: argparse.Namespace) -> None:
    for channel in channel_repository.every():
        print(json.dumps(channel.to_answer()))


def _recount(options: argparse.Namespace) -> None:
    print(json.dumps({"channel": options.channel, "repaired": recounting.recount(options.channel)}))


def _index_lots(_: argparse.Namespace) -> None:
    print(json.dumps({"indexed": lots.enter_all()}))


def _rotate_serial_key(_: argparse.Namespace) -> None:
    # It brings in cryptography, which no other command needs.
    from batchyard.serial_codes import keys

    print(keys.rotate())


def _restore_serial_keys(options: argparse.Namespace) -> None:
    from batchyard.serial_codes import keys

    print(keys.restore(options.secret))


def _replay(options: argparse.Namespace) -> None:
    if not options.stack:
        raise BatchyardError("Say whose dead letters: --stack NAME.")
    client = botocore.session.Session().create_client
    letters = DeadLetters(options.stack, client, recounting.recount, tally.recount)
    failed = 0
    for outcome in letters.replay():
        print(json.dumps({"queue": outcome.queue, "done": outcome.done, "failed": outcome.failed}))
        failed += len(outcome.failed)
    if failed:
        raise BatchyardError(
            f"{failed} failed again and are still there; they can be replayed in a quarter of an hour."
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=os.environ.get("BATCHYARD_CALLED_AS", "python -m batchyard.operator"),
        description="Makes and revokes what the API is used with.",
    )
    parser.add_argument("--stack", help="name of a deployed CloudFormation stack to work on")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], None], about: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about)
        made.set_defaults(run=run)
        return made

    made = command("create-user", _create_user, "makes a user; the scope is that of its logins")
    made.add_argument("name")
    made.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    _add_scope(made)
    made = command("delete-user", _delete_user, "removes a user and revokes the user's tokens")
    made.add_argument("name")
    command("list-users", _list_users, "lists users, one JSON object a line")
    made = command("create-token", _create_token, "makes a token and shows its key, this once")
    made.add_argument("user")
    made.add_argument("--days", type=_count, help="days until it ends; never without")
    _add_scope(made)
    command("list-tokens", _list_tokens, "lists tokens, one JSON object a line, without their keys")
    made = command("revoke-token", _revoke_token, "revokes a token; it may work for another minute")
    made.add_argument("id", help="its public ID, tok_…")
    made = command("create-channel", _create_channel, "makes a channel and shows its primary key")
    made.add_argument("name")
    made.add_argument("--pk", type=_count, help="the primary key that existing clients know it by")
    made.add_argument("--stale-after", type=int, help="seconds without progress until its batch requests fail")
    command("list-channels", _list_channels, "lists channels, one JSON object a line")
    made = command("recount", _recount, "counts a channel's batch requests anew and repairs its tallies")
    made.add_argument("channel", type=_count)
    about = "has batches that earlier versions made be found by GTIN and lot; shows how many they were"
    command("index-lots", _index_lots, about)
    about = "brings about what is in the dead-letter queues, once its cause is mended; one JSON object a queue"
    command("replay", _replay, about)
    about = (
        "takes the serial keys of a deleted stack's secret, at once after the stack was made anew; shows the version"
    )
    made = command("restore-serial-keys", _restore_serial_keys, about)
    made.add_argument("secret", help="name or ARN of the secret that the deleted stack left")
    about = "makes a new key for serial numbers and shows its version; codes of the older ones stay valid"
    command("rotate-serial-key", _rotate_serial_key, about)
    catalogue.register(command)
    return parser


def _add_scope(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--admin", action="store_true", help="may manage channels, and make some if not limited to any")
    parser.add_argument("--read-only", action="store_true", help="may not change anything")
    parser.add_argument(
        "--channels", type=_channels, default=argparse.SUPPRESS, help="primary keys with commas, or all"
    )
    parser.add_argument(
        "--collections",
        type=_collections,
        default=argparse.SUPPRESS,
        help="IDs with commas, or all; none where only --channels are given",
    )
    parser.add_argument(
        "--catalogue",
        choices=ACCESSES,
        help="what may be done with the catalogue and its jobs; none where --channels or --collections limit it",
    )
    parser.add_argument("--requests-per-minute", type=_count, help="a limit of its own")


def _scope(options: argparse.Namespace, users: Scope | None = None) -> Scope:
    """The scope that is asked for; what is left open of a token's is as the user's."""
    if options.read_only and options.catalogue == "write":
        raise BatchyardError("What is --read-only does not write the catalogue: --catalogue read.")
    whole = users or Scope()
    writes = not options.read_only and whole.writes
    # What is limited to some channels or collections was not meant for everything else.
    limited_to_channels = getattr(options, "channels", None) is not None
    collections = frozenset[str]() if limited_to_channels else whole.collections
    catalogue = whole.catalogue if writes else min("read", whole.catalogue, key=ACCESSES.index)
    if limited_to_channels or getattr(options, "collections", None) is not None:
        catalogue = "none"
    return Scope(
        admin=options.admin,
        writes=writes,
        channels=getattr(options, "channels", whole.channels),
        requests_per_minute=options.requests_per_minute or whole.requests_per_minute,
        collections=getattr(options, "collections", collections),
        catalogue=options.catalogue or catalogue,
    )


def _left_out(asked: Scope, granted: Scope) -> list[str]:
    """What was asked for and not granted, in words."""
    found = ["--admin"] if asked.admin and not granted.admin else []
    for name, wanted, given in (
        ("--channels", asked.channels, granted.channels),
        ("--collections", asked.collections, granted.collections),
    ):
        if wanted != given and given is not None:
            named = "all others than " + _listed(given) if wanted is None else _listed(wanted - given)
            found.append(f"{name} {named}")
    if asked.catalogue != granted.catalogue:
        found.append(f"--catalogue {asked.catalogue}")
    if asked.requests_per_minute != granted.requests_per_minute:
        found.append(f"--requests-per-minute above {granted.requests_per_minute}")
    return found


def _listed(ids: frozenset[int] | frozenset[str]) -> str:
    return ",".join(map(str, sorted(ids))) or "none"


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


def _channels(text: str) -> frozenset[int] | None:
    return None if text == "all" else frozenset(map(_count, text.split(",")))


def _collections(text: str) -> frozenset[str] | None:
    if text == "all":
        return None
    found = frozenset(text.split(","))
    if "" in found:
        raise argparse.ArgumentTypeError(f"{text!r} holds an empty ID")
    return found


def _described(scope: Scope) -> dict[str, object]:
    return {
        "admin": scope.admin,
        "writes": scope.writes,
        "channels": "all" if scope.channels is None else sorted(scope.channels),
        "collections": "all" if scope.collections is None else sorted(scope.collections),
        "catalogue": scope.catalogue,
        "requests_per_minute": scope.requests_per_minute,
    }


def enter(stack: str) -> None:
    """Takes the names of a stack's tables, of its bucket and of its secret from its outputs.

    Raises:
        BatchyardError: There is no such stack in this account and region, or it never came up.
    """
    session = botocore.session.Session()
    cloudformation: Any = session.create_client("cloudformation")
    try:
        [found] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        raise BatchyardError(
            f"There is no stack {stack} in {cloudformation.meta.region_name}; AWS_REGION chooses another region."
        ) from None
    outputs = found.get("Outputs", [])
    if not any(output["OutputKey"] == "IdentityTable" for output in outputs):
        raise BatchyardError(f"The stack {stack} is not ready: it is {found['StackStatus']}.")
    for output in outputs:
        if output["OutputKey"].endswith(("Table", "Secret", "Bucket")):
            variable = re.sub(r"(?<!^)(?=[A-Z])", "_", output["OutputKey"]).upper()
            os.environ[variable] = output["OutputValue"]


if __name__ == "__main__":
    sys.exit(main())
