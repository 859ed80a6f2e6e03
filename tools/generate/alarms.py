"""An alarm for everything that nobody would see fail: each part of the template tells what its alarms say."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tools.generate import Unfit
from tools.generate.cloudformation import quoted, target
from tools.generate.handlers import Handler
from tools.generate.parts import Parts


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of alarm.

    Args:
        of: The type of the resources that can have it.
        ending: How their logical IDs end, which those of the alarms leave out.
        metric: Namespace and name.
        dimension: Whose metric it is: a name, and the reference to the resource.
        statistic: What is taken of the metric, over which seconds.
        threshold: What it must not be above, for how many of these periods.
    """

    of: str
    ending: str
    metric: tuple[str, str]
    dimension: tuple[str, str]
    statistic: tuple[str, int]
    threshold: tuple[int, int]


_TABLE = ("AWS::DynamoDB::Table", "Table")
_FUNCTION = ("AWS::Serverless::Function", "Function")
_OF_TABLE = ("TableName", "!Ref {}")
_OF_FUNCTION = ("FunctionName", "!Ref {}")
_ANY_IN_FIVE_MINUTES = (("Sum", 300), (0, 1))
_KINDS = {
    "DeadLetters": _Kind(
        "AWS::SQS::Queue",
        "DeadLetterQueue",
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
        ("QueueName", "!GetAtt {}.QueueName"),
        ("Maximum", 60),
        (0, 1),
    ),
    # Seconds: many messages wait for minutes, but one that waits for an hour has nobody who works on it.
    "Waiting": _Kind(
        "AWS::SQS::Queue",
        "Queue",
        ("AWS/SQS", "ApproximateAgeOfOldestMessage"),
        ("QueueName", "!GetAtt {}.QueueName"),
        ("Maximum", 300),
        (3600, 1),
    ),
    "Errors": _Kind(*_FUNCTION, ("AWS/Lambda", "Errors"), _OF_FUNCTION, *_ANY_IN_FIVE_MINUTES),
    # Milliseconds that the oldest change of a stream has waited.
    "Age": _Kind(*_FUNCTION, ("AWS/Lambda", "IteratorAge"), _OF_FUNCTION, ("Maximum", 60), (60_000, 5)),
    "ReadThrottles": _Kind(*_TABLE, ("AWS/DynamoDB", "ReadThrottleEvents"), _OF_TABLE, *_ANY_IN_FIVE_MINUTES),
    "WriteThrottles": _Kind(*_TABLE, ("AWS/DynamoDB", "WriteThrottleEvents"), _OF_TABLE, *_ANY_IN_FIVE_MINUTES),
}


def text(parts: Parts, handlers: Iterable[Handler]) -> str:
    """The resources of all alarms.

    Raises:
        Unfit: An alarm that must be says nothing, or one is of something that cannot have it.
    """
    for resource, kind in _needed(parts, handlers):
        if kind not in parts.alarms.get(resource, {}):
            raise Unfit(f"`Alarms` in the resources.yaml of {resource} must tell what its alarm {kind} says")
    return "\n".join(
        alarm
        for resource, said in parts.alarms.items()
        for kind, words in said.items()
        for alarm in _alarms(parts, resource, kind, words)
    )


def with_alarm(parts: Parts, kind: str) -> list[str]:
    """The logical IDs of the resources that have an alarm of a kind."""
    return [resource for resource, said in parts.alarms.items() if kind in said]


def _needed(parts: Parts, handlers: Iterable[Handler]) -> Iterator[tuple[str, str]]:
    answering = {handler.name for handler in handlers if handler.route is not None or handler.catch_all}
    asked = {
        target(authorizer["FunctionArn"])
        for authorizer in parts.of("AWS::Serverless::Api")["Api"]["Auth"]["Authorizers"].values()
    }
    for queue in parts.of("AWS::SQS::Queue"):
        if queue.endswith(_KINDS["DeadLetters"].ending):
            yield queue, "DeadLetters"
    for function, properties in parts.of("AWS::Serverless::Function").items():
        # A route that fails shows as a 5xx of the API, and so does its authorizer.
        if properties["Handler"] not in answering and function not in asked:
            yield function, "Errors"
    for mapping in parts.of("AWS::Lambda::EventSourceMapping").values():
        if mapping["EventSourceArn"]["GetAtt"].endswith(".StreamArn"):
            yield target(mapping["FunctionName"]), "Age"
        else:
            yield target(mapping["EventSourceArn"]), "Waiting"


def _alarms(parts: Parts, resource: str, kind: str, words: str) -> Iterator[str]:
    of = _KINDS.get(kind)
    if of is None or resource not in parts.of(of.of) or not resource.endswith(of.ending):
        raise Unfit(f"`Alarms` in a resources.yaml: {resource} cannot have an alarm {kind}")
    name, (dimension, reference) = resource.removesuffix(of.ending), of.dimension
    own = f"{{Name: {dimension}, Value: {reference.format(resource)}}}"
    yield _alarm(of, f"{name}{kind}Alarm", words, own)
    # What is refused of an index is no part of its table's metric.
    for index in parts.of(of.of)[resource].get("GlobalSecondaryIndexes", []):
        of_index = "".join(map(str.title, index["IndexName"].split("_")))
        dimensions = f"{own}, {{Name: GlobalSecondaryIndexName, Value: {index['IndexName']}}}"
        yield _alarm(of, f"{name}{of_index}{kind}Alarm", f"{words} (index {index['IndexName']})", dimensions)


def _alarm(of: _Kind, name: str, words: str, dimensions: str) -> str:
    (namespace, metric), (statistic, period), (threshold, periods) = of.metric, of.statistic, of.threshold
    return f"""\
{name}:
  Type: AWS::CloudWatch::Alarm
  Properties:
    AlarmDescription: {quoted(words)}
    Namespace: {namespace}
    MetricName: {metric}
    Dimensions: [{dimensions}]
    Statistic: {statistic}
    Period: {period}
    ComparisonOperator: GreaterThanThreshold
    Threshold: {threshold}
    EvaluationPeriods: {periods}
    TreatMissingData: notBreaching
    AlarmActions: !If [AlarmsAreSent, [!Ref AlarmTopicArn], !Ref AWS::NoValue]
"""
