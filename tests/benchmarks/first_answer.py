"""Runs one function as Lambda's runtime client does, up to its first answer.

    python first_answer.py <handler> <file of the event> <file for the answer>

Without a file for the answer it ends where Lambda would hand over the first event.

Only what a process needs for that is imported, so that what is measured is the function's own.
"""

import json
import os
import socket
import sys
from importlib import import_module

AWS_PORT = int(os.environ["AWS_PORT"])
"""Where AWS is on this machine: all of its names lead there, so that clients are made and find it as on AWS."""

resolve = socket.getaddrinfo


def resolve_here(host: str, port: int, *arguments: int) -> object:
    return resolve("127.0.0.1", AWS_PORT, *arguments)


socket.getaddrinfo = resolve_here  # type: ignore[assignment]


class Context:
    function_name = "benchmark"
    function_version = "$LATEST"
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:benchmark"
    memory_limit_in_mb = 1024
    aws_request_id = "11111111-2222-3333-4444-555555555555"

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


handler, given, answered = sys.argv[1:]
module, _, name = handler.rpartition(".")
with open(given, encoding="utf-8") as file:  # noqa: PTH123 (pathlib would be one more import)
    event = json.load(file)
handle = getattr(import_module(module), name)
if not answered:
    os._exit(0)
answer = json.dumps(handle(event, Context()))
with open(answered, "w", encoding="utf-8") as file:  # noqa: PTH123
    file.write(answer)
# Lambda keeps the process: its end is no part of the answer.
os._exit(0)
