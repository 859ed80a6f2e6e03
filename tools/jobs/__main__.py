"""`python -m tools.jobs`: batch jobs for people. See `--help`."""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import httpx

from tools import environment
from tools.consoles import console
from tools.jobs import arguments, show
from tools.jobs.api import Api
from tools.jobs.commands import Command
from tools.jobs.endings import INTERRUPTED, Ending, Stop, Unusable
from tools.jobs.show import Screen


def main(
    given: Sequence[str] | None = None,
    *,
    screen: Screen | None = None,
    pause: Callable[[float], None] = time.sleep,
    transport: httpx.BaseTransport | None = None,
) -> int:
    """Runs a command, and returns its exit code.

    Args:
        given: Its words; None for those of the command line.
        screen: Where people read and are asked; None for the terminal.
        pause: Waits for so many seconds.
        transport: What carries requests; None for the network.
    """
    parsed = arguments.parse(given)
    screen = screen or _screen(for_scripts=parsed.json)
    ending = Ending()
    message = None
    try:
        values = environment.values(("BASE_URL", "TOKEN"))
        base_url, token = _address(parsed.base_url, values), _token(parsed.token, values)
        api = Api(base_url, token, patience_s=parsed.patience, pause=pause, transport=transport)
        try:
            Command(api, screen, parsed, ending).run()
        finally:
            api.close()
    except Stop as stop:
        ending.code, message = stop.code, str(stop)
    except KeyboardInterrupt:
        ending.code, message = INTERRUPTED, _interrupted(ending)
    if message is not None:
        screen.say(message)
    if parsed.json:
        print(json.dumps(ending.to_json(message), ensure_ascii=False))
    return ending.code


def _address(given: str | None, values: Mapping[str, str]) -> str:
    found = given or values.get("BASE_URL")
    if not found:
        raise Unusable(
            "There is no address: give --base-url or set BASE_URL, or start the local stack, which writes "
            f"{environment.FILE}"
        )
    if not found.startswith(("https://", "http://")):
        raise Unusable(f"{found} is no address: it begins with https://")
    return found


def _token(given: str | None, values: Mapping[str, str]) -> str:
    found = given or values.get("TOKEN")
    if not found:
        raise Unusable("There is no token: set TOKEN, or give --token")
    if not found.isascii() or not found.isprintable():
        # Its words would be in the message of whoever tries to send it.
        raise Unusable("The token has characters that no token has")
    return found


def _interrupted(ending: Ending) -> str:
    job = ending.values.get("batch_job")
    if job is None:
        return f"Stopped. If a job was made, this shows it:\n{show.command('list')}"
    return f"Stopped. The job stays as it is; watch it with\n{show.command('watch', job['id'])}"


def _screen(*, for_scripts: bool) -> Screen:
    out = console(stderr=for_scripts)
    return Screen(
        out,
        is_interactive=not for_scripts and out.is_terminal and sys.stdin.isatty(),
        ask=partial(out.input, markup=False),
    )


if __name__ == "__main__":
    sys.exit(main())
