"""Runs one function as Lambda's runtime client does, up to its first answer.

    python first_answer.py <handler> <file of the event> <file for the answer>

Only what a process needs for that is imported, so that what is measured is the function's own.
"""

import json
import os
import sys
from importlib import import_module


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
answer = json.dumps(getattr(import_module(module), name)(event, Context()))
with open(answered, "w", encoding="utf-8") as file:  # noqa: PTH123
    file.write(answer)
# Lambda keeps the process: its end is no part of the answer.
os._exit(0)
