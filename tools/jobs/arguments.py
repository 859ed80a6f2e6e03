"""The command line."""

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools import environment
from tools.jobs import api, endings, show

_DESCRIPTION = "Imports, exports and deletes products in the background of a running service, and follows that."

_DATES = ("created_at", "updated_at")
_DATE = re.compile(r"(?P<name>\w+)\[(?P<operator>lt|gt|lte|gte)\]")


def parse(given: Sequence[str] | None) -> argparse.Namespace:
    """The command and its options; leaves with 2 where they cannot be understood."""
    codes = "\n".join(f"  {code:>3}  {what}" for code, what in endings.TOLD)
    parser = argparse.ArgumentParser(
        prog=show.PROGRAM,
        description=_DESCRIPTION,
        epilog=f"BASE_URL and TOKEN come from the options, else from the environment, else from {environment.FILE}.\n\n"
        f"exit codes:\n{codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, about: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
        _add_common(command)
        return command

    _add_import(add("import", "import a product file: check it, show what it would do, ask, and do it"))
    _add_export(add("export", "export products to a file"))
    _add_delete(add("delete", "delete products: show how many, ask, and do it"))
    listing = add("list", "list your jobs, the newest first")
    listing.add_argument("--limit", type=_from_one, default=20, help="how many at most (default 20)")
    listing.add_argument(
        "--type", action="append", default=[], help="only of this type, as product-import (repeatable)"
    )
    for name, about in (
        ("watch", "follow a job until it ends"),
        ("confirm", "show the preview of a job that waits for it, ask, and let it go on"),
        ("cancel", "cancel a job, and take back what it has changed"),
        ("undo", "take back a completed import or deletion, for 7 days"),
    ):
        command = add(name, about)
        command.add_argument("id", metavar="ID", help="the job, as list shows it")
        if name == "confirm":
            command.add_argument("--yes", "-y", action="store_true", help="do not ask")
    return parser.parse_args(given)


def _add_common(command: argparse.ArgumentParser) -> None:
    common = command.add_argument_group("the service")
    common.add_argument("--base-url", metavar="URL", help="its address (else BASE_URL)")
    common.add_argument("--token", help="the token (else TOKEN; there other users of this machine cannot see it)")
    common.add_argument(
        "--patience",
        type=_from_one,
        default=int(api.PATIENCE_S),
        metavar="SECONDS",
        help="how long to repeat what is not answered (default %(default)s)",
    )
    common.add_argument(
        "--json", action="store_true", help="for scripts: one JSON object on standard output; never asks"
    )


def _add_confirmation(command: argparse.ArgumentParser) -> None:
    confirmation = command.add_mutually_exclusive_group()
    confirmation.add_argument("--yes", "-y", action="store_true", help="do not ask after the preview")
    confirmation.add_argument("--dry-run", action="store_true", help="show the preview and change nothing")


def _add_import(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", type=Path, metavar="FILE", help="a CSV file with a header")
    _add_confirmation(command)
    command.add_argument(
        "--match", choices=["handle"], help="change the products that are there already, found by their handles"
    )
    command.add_argument("--skip-errors", action="store_true", help="leave out products with errors, import the others")
    command.add_argument("--dialect", choices=["shopify", "medusa-v2"], help="the file is one of another shop")
    command.add_argument("--currency", metavar="CODE", help="the currency of its prices, as eur (with --dialect)")
    command.add_argument(
        "--mapping",
        type=Path,
        metavar="JSON",
        help='a file with {"Their column": "Our column"}; null leaves a column out',
    )
    command.add_argument(
        "--encoding",
        choices=["utf-8", "cp1252", "iso-8859-1", "iso-8859-15", "utf-16"],
        help="how the file was saved (default utf-8; Excel's plain CSV is cp1252)",
    )
    command.add_argument("--quantities", choices=["set", "ignore"], help="ignore: leave the stock as it is")
    command.add_argument("--escape-formulas", action="store_true", help="take away the ' before what looks like one")


def _add_selection(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--filter",
        type=_filter,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="only products with this: id, handle, title, status, collection_id, tags, type_id, created_at[gte], "
        "updated_at[lt] and the like (repeatable; the same name twice: either value)",
    )


def _add_export(command: argparse.ArgumentParser) -> None:
    _add_selection(command)
    command.add_argument("--order", help="created_at, updated_at, id, handle or title; --order=-title is the opposite")
    command.add_argument("--limit", type=_from_one, help="how many products at most")
    command.add_argument("--offset", type=_from_one, help="how many products to leave out before")
    command.add_argument(
        "--out", type=Path, default=Path("product-export.csv"), metavar="FILE", help="where to (default %(default)s)"
    )
    command.add_argument("--force", action="store_true", help="replace the file if it is there")
    command.add_argument("--escape-formulas", action="store_true", help="put ' before what looks like a formula")


def _add_delete(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "file", type=Path, nargs="?", metavar="FILE", help="a CSV file with Product Id or Product Handle"
    )
    _add_selection(command)
    _add_confirmation(command)


def filters(given: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """`filterable_fields` of a context."""
    found: dict[str, Any] = {}
    for name, value in given:
        if date := _DATE.fullmatch(name):
            found.setdefault(date["name"], {})[date["operator"]] = value
        else:
            found.setdefault(name, []).append(value)
    return found


def mapping(path: Path) -> dict[str, str | None]:
    """A mapping of columns from its file.

    Raises:
        Unusable: There is none in it.
    """
    with api.reading(path) as (file, _):
        try:
            found = json.loads(file.read().decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise endings.Unusable(f"{path} is not text in UTF-8") from None
        except json.JSONDecodeError as error:
            why = f"{path} is no JSON: line {error.lineno}, column {error.colno}: {error.msg}"
            raise endings.Unusable(why) from None
    if not isinstance(found, dict) or not all(isinstance(value, str | None) for value in found.values()):
        raise endings.Unusable(f'{path} must hold {{"Their column": "Our column"}}, with null to leave a column out')
    return found


def _filter(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise argparse.ArgumentTypeError(f"{text} is not like status=published")
    if name in _DATES:
        raise argparse.ArgumentTypeError(f"{name} is compared: {name}[gte]={value} or with lt, gt, lte")
    return name, value


def _from_one(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no number") from None
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number
