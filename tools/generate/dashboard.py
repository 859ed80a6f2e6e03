"""The metrics of the dashboard that there is one of for each function, queue, stream or table.

Each is named. A search could find them by parts of their names, but what it finds by a name in quotes is that very
name, and nothing is called like the stack alone:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
"""

import json
from collections.abc import Iterable

from tools.generate.alarms import with_alarm
from tools.generate.parts import Parts


def errors(parts: Parts) -> str:
    """How often functions failed."""
    return _of_functions(parts, "Errors")


def durations(parts: Parts) -> str:
    """How long functions took."""
    return _of_functions(parts, "Duration")


def _of_functions(parts: Parts, metric: str) -> str:
    functions = parts.of("AWS::Serverless::Function")
    return _rows(["AWS/Lambda", metric, "FunctionName", f"${{{function}}}"] for function in functions)


def dead_letters(parts: Parts) -> str:
    """How many messages are in the dead-letter queues."""
    queues = with_alarm(parts, "DeadLetters")
    return _rows(
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", f"${{{one}.QueueName}}"] for one in queues
    )


def changes_waiting(parts: Parts) -> str:
    """How old the changes are that wait for the handlers of streams."""
    functions = with_alarm(parts, "Age")
    return _rows(["AWS/Lambda", "IteratorAge", "FunctionName", f"${{{function}}}"] for function in functions)


def capacity_used(parts: Parts) -> str:
    """What is used of the tables' capacity, where an alarm tells of throttling."""
    return _rows(
        ["AWS/DynamoDB", f"Consumed{what}CapacityUnits", "TableName", f"${{{table}}}"]
        for what in ("Read", "Write")
        for table in with_alarm(parts, f"{what}Throttles")
    )


def queues(parts: Parts) -> str:
    """How old the messages are that wait in queues."""
    dead = with_alarm(parts, "DeadLetters")
    waiting = [queue for queue in parts.of("AWS::SQS::Queue") if queue not in dead]
    return _rows(["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", f"${{{one}.QueueName}}"] for one in waiting)


def _rows(metrics: Iterable[list[str]]) -> str:
    return ",\n".join(map(json.dumps, metrics)) + "\n"
