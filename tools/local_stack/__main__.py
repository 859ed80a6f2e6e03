"""`python -m tools.local_stack`: the commands."""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

from tools.local_stack.engine import StackError
from tools.local_stack.places import DEFAULT_PORT, HOME, ROOT, STACK, last_port, tail
from tools.local_stack.stack import LocalStack, say


def run(stack: LocalStack) -> int:
    """Brings the stack up, plays the demonstration through it, and stays until Ctrl-C; returns the exit status."""
    status = 0
    with _interruptible():
        try:
            stack.up()
            demonstration = [sys.executable, "-m", "tools.demo", "--stack", STACK]
            status = subprocess.run(demonstration, cwd=ROOT, env=stack.environment, check=False).returncode
            if status:
                say(f"The demonstration ended with status {status}; the stack stays up for a look at it.")
            say(f"API {stack.base_url}/api/v1/ · documentation {stack.base_url}/docs · Ctrl-C stops it")
            while stack.engine.is_running():
                time.sleep(1)
            if stack.engine.was_stopped():
                say("Stopped by another command; the data stays")
            else:
                raise StackError(f"The engine has ended:\n{tail(stack.engine.log)}")
        except KeyboardInterrupt:
            say("Stopping; the data stays")
        finally:
            stack.down()
    return status


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Makes the end of a terminal, or of the machine's day, as good as Ctrl-C."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main() -> int:
    """Runs one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.local_stack", description="The system on this machine.")
    parser.add_argument("command", choices=("up", "run", "down", "status", "operate"))
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="of the operator's command, after `operate`")
    parser.add_argument(
        "--port",
        type=int,
        default=int(os.environ.get("BATCHYARD_PORT", "0")) or last_port(HOME),
        help=f"where it listens (default: BATCHYARD_PORT, else the port that it had last, else {DEFAULT_PORT})",
    )
    options = parser.parse_args()
    stack = LocalStack(HOME, options.port)
    try:
        match options.command:
            case "up":
                stack.up()
            case "run":
                return run(stack)
            case "down":
                stack.down()
            case "operate":
                return stack.operate(options.arguments)
            case "status":
                running = stack.engine.is_running()
                say(f"up: {stack.base_url}" if running else "down")
                return 0 if running else 1
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
