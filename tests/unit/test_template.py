"""The template keeps its promises: least privilege, nobody unguarded, nothing lost, nothing unseen."""

import importlib
import json
import re
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

import pytest
import yaml

from batchyard import errors
from batchyard.http import bodies, coded, typed
from batchyard.identity import tokens
from batchyard.product_batches.exports import rules as export_rules
from batchyard.store import tables
from batchyard.store.tables import Table
from batchyard.uploads import rules as upload_rules
from batchyard.work import deliveries
from tests.support import transformed
from tools.generate import ROOT
from tools.template import api_methods, binary_media_types, resources, template

FUNCTIONS = resources("AWS::Serverless::Function")
TABLES = resources("AWS::DynamoDB::Table")
QUEUES = resources("AWS::SQS::Queue")
MAPPINGS = resources("AWS::Lambda::EventSourceMapping")
ALARMS = resources("AWS::CloudWatch::Alarm")
API = resources("AWS::Serverless::Api")["Api"]
DEAD_LETTERS = {name for name in QUEUES if name.endswith("DeadLetterQueue")}
LONG_WORK = {"WriteExportFunction": "ExportsQueue", "WorkOnBatchJobFunction": "BatchJobsQueue"}
"""Functions that do long work, and the queues that it is announced in."""

CONTENTS = ("objects", "logs", "uploads", "exports", "files", "spools", "products", "entities", "aws/lambda")


@cache
def modules() -> dict[str, ModuleType]:
    """The modules below functions/ that have a handler, by the handler's name in a template."""
    found = {}
    for file in sorted((ROOT / "functions").rglob("*.py")):
        name = ".".join(file.relative_to(ROOT / "functions").with_suffix("").parts)
        module = importlib.import_module(name)
        if hasattr(module, "handler"):
            found[f"{name}.handler"] = module
    return found


def events(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The functions' logical IDs and the properties of their events of a type."""
    for name, properties in FUNCTIONS.items():
        for event in properties.get("Events", {}).values():
            if event["Type"] == kind:
                yield name, event["Properties"]


FALLBACK = "FallbackFunction"
CATCH_ALLS = {
    FALLBACK: {("ANY", "/"), ("ANY", "/{proxy+}")},
    "ODataServiceFunction": {("ANY", "/v1"), ("ANY", "/V1"), ("ANY", "/v1/{odata+}"), ("ANY", "/V1/{odata+}")},
}
SERVED = {(one.method, one.path) for one in api_methods() if one.function != FALLBACK}
REFUSED = {
    # The other methods of each path are refused by name, whatever falls through to the greedy one.
    (method, path)
    for served, path in SERVED
    if served != "ANY"
    for method in ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
} - SERVED
EVERYWHERE, *_OF_SOME = API["MethodSettings"]
SLOWED_DOWN = {
    (one["HttpMethod"], "/" + one["ResourcePath"].removeprefix("/~1").replace("~1", "/")): one["ThrottlingRateLimit"]
    for one in _OF_SOME
}
STREAMED = {name: mapping for name, mapping in MAPPINGS.items() if "StreamArn" in mapping["EventSourceArn"]["GetAtt"]}
PARALLEL = "ParallelizationFactor"
QUEUED = {name: mapping for name, mapping in MAPPINGS.items() if name not in STREAMED}


def statements(function: str) -> Iterator[dict[str, Any]]:
    for policy in FUNCTIONS[function].get("Policies", []):
        yield from policy["Statement"]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def target(reference: dict[str, str]) -> str:
    """The logical ID in a `!Ref` or `!GetAtt`."""
    return str(reference.get("Ref") or reference["GetAtt"]).partition(".")[0]


def test_each_handler_is_one_function() -> None:
    assert sorted(properties["Handler"] for properties in FUNCTIONS.values()) == sorted(modules())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_route_is_the_same_in_code_and_template(function: str) -> None:
    app = getattr(modules()[FUNCTIONS[function]["Handler"]], "app", None)
    in_code = CATCH_ALLS.get(function, set())
    if app is not None and not in_code:
        routes = [*app._static_routes, *app._dynamic_routes]
        in_code = {(route.method, re.sub(r"<(\w+)>", r"{\1}", route.path)) for route in routes}
        assert len(in_code) == 1
        # What answers GET answers HEAD.
        in_code |= {("HEAD", path) for method, path in in_code if method == "GET"}
    in_template = {(one.method, one.path) for one in api_methods() if one.function == function}
    assert in_template == in_code | (REFUSED if function == FALLBACK else set())


def test_each_method_is_answered_by_one_function() -> None:
    answered = [(one.method, one.path) for one in api_methods()]
    assert len(answered) == len(set(answered))


def test_the_api_may_call_each_function_that_it_calls() -> None:
    permitted = resources("AWS::Lambda::Permission")
    reads = {one.function: one.path for one in api_methods() if one.method == "HEAD" and one.function != FALLBACK}
    assert sorted(target(one["FunctionName"]) for one in permitted.values()) == sorted([*CATCH_ALLS, *reads])
    for permission in permitted.values():
        assert (permission["Principal"], permission["Action"]) == ("apigateway.amazonaws.com", "lambda:InvokeFunction")
        # Only this API, whatever the stage and method; and the path, where it is one.
        function = target(permission["FunctionName"])
        path = re.sub(r"\{\w+\}", "*", reads[function]) if function in reads else "/*"
        assert permission["SourceArn"] == {
            "Sub": f"arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{Api}}/*/*{path}"
        }
    # SAM permits it for events.
    by_events = {name for name, _ in events("Api")}
    assert {one.function for one in api_methods()} == CATCH_ALLS.keys() | reads.keys() | by_events
    assert not by_events & reads.keys()


@pytest.mark.parametrize("function", sorted({one.function for one in api_methods()}))
def test_the_authorizer_guards_what_the_code_asks_a_caller_for(function: str) -> None:
    # Without an app of its own, a handler asks for the caller itself, and refuses in words of its own.
    app = getattr(modules()[FUNCTIONS[function]["Handler"]], "app", None)
    guards = {one.authorizer for one in api_methods() if one.function == function}
    if app is not None and app.public:
        assert guards == {"NONE"}
    elif app is None or app.dialect in (coded, typed):
        assert guards == {"KeyAuthorizer"}
    else:
        assert guards == {API["Auth"]["DefaultAuthorizer"]} == {"TokenAuthorizer"}


def test_the_authorizer_of_two_headers_is_asked_every_time() -> None:
    asked = API["Auth"]["Authorizers"]["KeyAuthorizer"]
    assert (asked["FunctionPayloadType"], asked["Identity"]) == ("REQUEST", {"ReauthorizeEvery": 0})
    assert target(asked["FunctionArn"]) == "KeyAuthorizerFunction"


def test_functions_know_every_table() -> None:
    known = template()["Globals"]["Function"]["Environment"]["Variables"]
    for table in vars(tables).values():
        if isinstance(table, Table):
            properties = TABLES[target(known[table.variable])]
            assert [key["AttributeName"] for key in properties["KeySchema"]] == list(table.key)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_policies_name_exact_actions_on_exact_resources(function: str) -> None:
    prefixes = {f"${{ContentBucket.Arn}}/{kind}/*" for kind in CONTENTS}
    indexes = {
        f"${{{name}.Arn}}/index/{index['IndexName']}"
        for name, properties in TABLES.items()
        for index in properties.get("GlobalSecondaryIndexes", [])
    }
    for statement in statements(function):
        assert statement["Effect"] == "Allow"
        for action in as_list(statement["Action"]):
            assert re.fullmatch(r"(dynamodb|s3|sqs|events|secretsmanager):[A-Z][A-Za-z]+", action)
        for resource in as_list(statement["Resource"]):
            if "Sub" not in resource:
                assert target(resource) in template()["Resources"]
            else:
                assert resource["Sub"] in prefixes | indexes


def test_no_event_makes_sam_grant_more() -> None:
    kinds = {event["Type"] for properties in FUNCTIONS.values() for event in properties.get("Events", {}).values()}
    assert kinds == {"Api", "ScheduleV2"}


def powers(function: str) -> set[str]:
    """What a function may do, as `action place`."""
    return {
        f"{action} {resource.get('Sub') or target(resource)}"
        for statement in statements(function)
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


OF_ENTITY_SETS = {
    *(
        f"dynamodb:Query ${{CatalogueTable.Arn}}/index/by_{order}"
        for order in ("created", "entity", "stocked", "updated")
    ),
    *(
        f"dynamodb:{write} {table}"
        for write in ("DeleteItem", "PutItem")
        for table in ("CatalogueTable", "ProductsTable")
    ),
    "dynamodb:UpdateItem CatalogueTable",
    "dynamodb:GetItem TalliesTable",
    *(f"s3:{action} ${{ContentBucket.Arn}}/entities/*" for action in ("DeleteObject", "GetObject", "PutObject")),
    *(f"s3:{action} ${{ContentBucket.Arn}}/products/*" for action in ("DeleteObject", "PutObject")),
}


def test_a_batch_may_do_what_its_requests_may_do_alone() -> None:
    routed = {one.function for one in api_methods()} - CATCH_ALLS.keys()
    inside = {name for name in routed if not hasattr(modules()[FUNCTIONS[name]["Handler"]], "OUTSIDE_BATCHES")}
    of_neighbours = {"dynamodb:BatchGetItem ChannelsTable"}
    assert powers("ODataServiceFunction") == set().union(of_neighbours, OF_ENTITY_SETS, *map(powers, inside))


def test_holders_of_the_most_harmful_permissions() -> None:
    """The powers that would hurt most in wrong hands, each with all of its holders."""

    def holders(power: str) -> set[str]:
        return {function.removesuffix("Function") for function in FUNCTIONS if power in powers(function)}

    assert holders("dynamodb:PutItem IdentityTable") == {"CreateAccessToken", "Login"}
    assert holders("dynamodb:DeleteItem BatchRequestsTable") == {"DeleteBatchRequest", "ODataService"}
    assert holders("dynamodb:DeleteItem ChannelsTable") == {"DeleteChannel", "ODataService"}
    assert holders("s3:GetObject ${ContentBucket.Arn}/logs/*") == {"DownloadLogFile"}
    assert holders("s3:PutObject ${ContentBucket.Arn}/uploads/*") == {"UploadLogFile", "ODataService"}
    assert holders("s3:PutObject ${ContentBucket.Arn}/exports/*") == {"WriteExport"}
    uploading = {"UploadFiles", "UploadProtectedFiles"}
    assert holders("s3:PutObject ${ContentBucket.Arn}/files/*") == uploading | {"PresignUpload", "WorkOnBatchJob"}
    assert holders("s3:GetObject ${ContentBucket.Arn}/files/*") == uploading | {
        "DownloadFile",
        "DeleteFile",
        "WorkOnBatchJob",
    }
    assert holders("s3:DeleteObject ${ContentBucket.Arn}/files/*") == {"DeleteFile"}
    for function in uploading | {"PresignUpload", "DownloadFile", "DeleteFile"}:
        contents = {power for power in powers(f"{function}Function") if power.startswith("s3:")}
        assert all(power.endswith(" ${ContentBucket.Arn}/files/*") for power in contents)
    streamed = {target(mapping["FunctionName"]).removesuffix("Function") for mapping in STREAMED.values()}
    reading_contents = {
        *("ListBatchRequests", "RetrieveBatchRequest", "UpdateBatchRequest", "PartialUpdateBatchRequest"),
        *("ListProducts", "RetrieveProduct", "ODataService"),
    }
    asking_for_what_is_not_there = reading_contents | {
        *("AttachLogFile", "CleanUpProducts", "WorkOnBatchJob", "WriteExport"),
    }
    assert holders("s3:ListBucket ContentBucket") == asking_for_what_is_not_there | streamed
    assert holders("s3:PutObject ${ContentBucket.Arn}/aws/lambda/*") == streamed
    scanning = {(function, power) for function in FUNCTIONS for power in powers(function) if "dynamodb:Scan" in power}
    assert scanning == {("WorkOnBatchJobFunction", "dynamodb:Scan ProductsTable")}


def test_functions_that_send_to_their_own_queue_allow_recursion() -> None:
    """Lambda ends a chain of calls after some sixteen: `RecursiveLoop` of `AWS::Lambda::Function`, as SAM passes it on.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
    """
    to_themselves = {
        target(mapping["FunctionName"])
        for mapping in QUEUED.values()
        for statement in statements(target(mapping["FunctionName"]))
        if "sqs:SendMessage" in as_list(statement["Action"])
        and mapping["EventSourceArn"] in as_list(statement["Resource"])
    }
    assert to_themselves == {
        "CleanUpProductBatchesFunction",
        "CleanUpProductsFunction",
        "WriteExportFunction",
        "WorkOnBatchJobFunction",
    }
    allowed = {name for name, made in transformed.of("AWS::Lambda::Function").items() if "RecursiveLoop" in made}
    assert allowed == to_themselves
    assert {FUNCTIONS[name]["RecursiveLoop"] for name in allowed} == {"Allow"}


def test_resources_with_data_outlive_the_stack() -> None:
    kept = {
        name
        for name, resource in template()["Resources"].items()
        if (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")) == ("RetainExceptOnCreate", "Retain")
    }
    # What a first creation leaves when it fails is the account's alone.
    left = {name for name, resource in template()["Resources"].items() if resource.get("DeletionPolicy") == "Retain"}
    assert left == {"ApiGatewayAccount", "ApiGatewayLogRole"}
    holds_data = {"BatchRequestsTable", "ChannelsTable", "IdentityTable", "ProductBatchesTable", "ContentBucket"}
    holds_data |= {"ProductsTable", "CatalogueTable", "BatchJobsTable"}
    # Those that go with the stack would keep it from being deleted.
    protections = {name: table.get("DeletionProtectionEnabled") for name, table in TABLES.items()}
    protected = {"If": ["TablesAreProtected", True, False]}
    assert protections == {name: protected if name in holds_data else None for name in TABLES}
    assert template()["Parameters"]["DeletionProtection"]["Default"] == "on"
    assert kept == holds_data | {"ContentBucketPolicy", "SerialKeysSecret", "AccessLogGroup", "FunctionsLogGroup"}
    for name in kept & TABLES.keys():
        assert TABLES[name]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


@pytest.mark.parametrize("table", TABLES)
def test_tables_are_on_demand_and_encrypted(table: str) -> None:
    assert TABLES[table]["BillingMode"] == "PAY_PER_REQUEST"
    assert TABLES[table]["SSESpecification"] == {"SSEEnabled": True}


def test_the_bucket_is_closed_and_keeps_what_a_restored_table_points_at() -> None:
    bucket = resources("AWS::S3::Bucket")["ContentBucket"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert bucket["VersioningConfiguration"]["Status"] == "Enabled"
    assert rules["swept-contents"]["NoncurrentVersionExpiration"]["NoncurrentDays"] == 35
    assert rules["files"]["Prefix"] == f"{upload_rules.FOLDER}/"
    assert rules["files"]["ExpirationInDays"] == upload_rules.KEPT_DAYS
    assert rules["abandoned-uploads"] | {"Prefix": "uploads/", "ExpirationInDays": 2} == rules["abandoned-uploads"]


def test_multipart_forms_are_the_only_binary_media_type() -> None:
    """Any other body in base64 would be a third larger: a batch of 6 MB would not fit an event."""
    assert binary_media_types() == {bodies.FORM}
    made = transformed.resources()["Api"]["Properties"]["Body"]["x-amazon-apigateway-binary-media-types"]
    assert made == [bodies.FORM]


def test_an_export_is_kept_as_long_as_its_file() -> None:
    rules = resources("AWS::S3::Bucket")["ContentBucket"]["LifecycleConfiguration"]["Rules"]
    kept = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule}
    assert kept[f"{export_rules.FOLDER}/"] * 86_400 == export_rules.KEPT_SECONDS


@pytest.mark.parametrize(("function", "queue"), LONG_WORK.items())
def test_long_work_is_bounded_and_followed_within_two_minutes(function: str, queue: str) -> None:
    # So that a step that calls AWS in vain for as long as botocore does still ends by itself, in a fresh delivery.
    assert FUNCTIONS[function]["Timeout"] * 1000 >= 3 * deliveries.STEP_MS
    assert FUNCTIONS[function]["Timeout"] + 10 == QUEUES[queue]["VisibilityTimeout"] < 120
    assert QUEUES[queue]["RedrivePolicy"]["maxReceiveCount"] == deliveries.DELIVERIES


def test_uploads_to_the_bucket_notify_their_queue() -> None:
    notifications = resources("AWS::S3::Bucket")["ContentBucket"]["NotificationConfiguration"]["QueueConfigurations"]
    noticed = {
        notification["Filter"]["S3Key"]["Rules"][0]["Value"]: target(notification["Queue"])
        for notification in notifications
    }
    assert noticed == {
        "uploads/": "UploadsQueue",
        "objects/": "SweepQueue",
        "logs/": "SweepQueue",
        "products/": "ProductLeftoversQueue",
        "entities/": "ProductLeftoversQueue",
    }
    # S3 tries each of them when the bucket is made, so each must let it by then.
    after = template()["Resources"]["ContentBucket"]["DependsOn"]
    assert set(after) == {f"{queue}Policy" for queue in noticed.values()}


def test_a_policy_is_of_one_queue() -> None:
    """SQS refuses a policy that speaks of several.

    "Each policy must cover only a single queue (when writing a policy, don't include statements that cover different
    queues)": https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/, "Special Information for SQS
    Policies". The refusal is "Invalid value for the parameter Policy".
    """
    policies = resources("AWS::SQS::QueuePolicy")
    for name, policy in policies.items():
        [queue] = policy["Queues"]
        [statement] = policy["PolicyDocument"]["Statement"]
        assert name == f"{target(queue)}Policy"
        assert (statement["Resource"], statement["Action"]) == ({"GetAtt": f"{target(queue)}.Arn"}, "sqs:SendMessage")


@pytest.mark.parametrize("queue", sorted(QUEUES))
def test_queues_are_encrypted_and_lose_nothing(queue: str) -> None:
    assert QUEUES[queue]["SqsManagedSseEnabled"] is True
    if queue in DEAD_LETTERS:
        assert QUEUES[queue]["MessageRetentionPeriod"] == 14 * 86_400
    else:
        assert target(QUEUES[queue]["RedrivePolicy"]["deadLetterTargetArn"]) in DEAD_LETTERS


@pytest.mark.parametrize("mapping", QUEUED.values(), ids=QUEUED)
def test_a_message_stays_hidden_while_it_is_worked_on(mapping: dict[str, Any]) -> None:
    function, queue = target(mapping["FunctionName"]), target(mapping["EventSourceArn"])
    # Lambda has time to find room for the function; long work has more deliveries instead.
    if function not in LONG_WORK:
        assert QUEUES[queue]["VisibilityTimeout"] >= 6 * FUNCTIONS[function]["Timeout"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize("mapping", STREAMED.values(), ids=STREAMED)
def test_failed_stream_records_are_retried_and_then_kept(mapping: dict[str, Any]) -> None:
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["MaximumRetryAttempts"] > 0
    # A stream keeps its records for a day.
    assert 0 < mapping["MaximumRecordAgeInSeconds"] < 86_400
    # A queue would be told where in the stream they are, and that keeps them for a day; a bucket gets them whole:
    # "For Amazon S3 destinations, Lambda also sends the entire invocation record along with the metadata."
    # https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == {"GetAtt": "ContentBucket.Arn"}
    needed = {"s3:PutObject ${ContentBucket.Arn}/aws/lambda/*", "s3:ListBucket ContentBucket"}
    assert needed <= powers(target(mapping["FunctionName"]))


def test_failed_changes_are_dead_letters() -> None:
    rule = resources("AWS::Events::Rule")["FailedChangesRule"]
    assert [target(one["Arn"]) for one in rule["Targets"]] == ["ChangesDeadLetterQueue"]
    assert rule["EventPattern"]["detail"] == {
        "bucket": {"name": [{"Ref": "ContentBucket"}]},
        "object": {"key": [{"prefix": "aws/lambda/"}]},
    }
    bucket = resources("AWS::S3::Bucket")["ContentBucket"]
    assert bucket["NotificationConfiguration"]["EventBridgeConfiguration"] == {"EventBridgeEnabled": True}
    [kept] = [rule for rule in bucket["LifecycleConfiguration"]["Rules"] if rule.get("Prefix") == "aws/lambda/"]
    assert kept["ExpirationInDays"] * 86_400 == QUEUES["ChangesDeadLetterQueue"]["MessageRetentionPeriod"]


@pytest.mark.parametrize("function", ["TallyBatchRequestsFunction", "TallyEntitiesFunction"])
def test_tallies_get_a_failed_batch_of_records_unsplit(function: str) -> None:
    [mapping] = [one for one in STREAMED.values() if target(one["FunctionName"]) == function]
    assert mapping["BisectBatchOnFunctionError"] is False


@pytest.mark.parametrize(("function", "event"), list(events("ScheduleV2")))
def test_a_scheduled_run_that_fails_is_kept(function: str, event: dict[str, Any]) -> None:
    assert target(event["DeadLetterConfig"]["Arn"]) in DEAD_LETTERS
    failed = FUNCTIONS[function]["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]
    assert target(failed["Destination"]) in DEAD_LETTERS


def test_workers_of_each_queue_have_a_maximum_concurrency() -> None:
    for mapping in QUEUED.values():
        assert mapping["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "WorkersPerQueue"}}
    # Lambda takes no less than two (botocore's model of it), and of ten that a new account has, some are the streams'.
    assert template()["Parameters"]["WorkersPerQueue"]["MinValue"] == 2


def test_batch_request_changes_are_published_in_parallel_and_counted_in_sequence() -> None:
    """Who publishes needs the order of an item's changes, which Lambda keeps; who counts marks whole deliveries.

    https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
    """
    side_by_side = {name: one["ParallelizationFactor"] for name, one in STREAMED.items() if PARALLEL in one}
    assert side_by_side == {"PublishBatchRequestsChanges": {"Ref": "PublishersPerShard"}}
    assert template()["Resources"]["BatchRequestsTable"]["Properties"]["KeySchema"] == [
        {"AttributeName": "channel", "KeyType": "HASH"},
        {"AttributeName": "pk", "KeyType": "RANGE"},
    ]
    allowed = template()["Parameters"]["PublishersPerShard"]
    assert (allowed["MinValue"], allowed["MaxValue"]) == (1, 10)


def test_a_role_of_api_gateway_that_is_there_can_stay() -> None:
    for name in ("ApiGatewayAccount", "ApiGatewayLogRole"):
        resource = template()["Resources"][name]
        assert resource["Condition"] == "ApiGatewayRoleIsSet"
        assert resource["DeletionPolicy"] == "Retain"
    assert template()["Conditions"]["ApiGatewayRoleIsSet"] == {"Equals": [{"Ref": "ApiGatewayRole"}, "set"]}


def test_metrics_of_api_methods_are_off() -> None:
    """Those of each method are paid; those of the whole stage, which the alarm looks at, are not.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
    """
    assert [one["MetricsEnabled"] for one in API["MethodSettings"]] == [False] * len(API["MethodSettings"])
    seen = [alarm["Dimensions"] for alarm in ALARMS.values() if alarm["Namespace"] == "AWS/ApiGateway"]
    assert seen
    assert all({"Method", "Resource"}.isdisjoint(one["Name"] for one in dimensions) for dimensions in seen)


def test_the_dashboard_names_what_it_shows() -> None:
    body = json.loads(
        re.sub(
            r"\$\{[\w:.]+\}",
            lambda one: one[0],
            resources("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]["Sub"],
        )
    )
    shown = {widget["properties"]["title"]: widget["properties"]["metrics"] for widget in body["widgets"]}
    assert "SEARCH" not in json.dumps(shown)
    for title, metric in (("Errors by function", "Errors"), ("Duration by function (p95)", "Duration")):
        assert shown[title] == [["AWS/Lambda", metric, "FunctionName", f"${{{name}}}"] for name in FUNCTIONS]


def test_alarms_watch_functions_streams_queues_and_dead_letters() -> None:
    watched = {
        (alarm["MetricName"], target(dimension["Value"]))
        for alarm in ALARMS.values()
        for dimension in alarm.get("Dimensions", [])
        if dimension["Name"] != "GlobalSecondaryIndexName"
    }
    routed = {one.function for one in api_methods()} | {"AuthorizerFunction", "KeyAuthorizerFunction"}
    assert {queue for metric, queue in watched if metric == "ApproximateNumberOfMessagesVisible"} == DEAD_LETTERS
    assert {function for metric, function in watched if metric == "Errors"} == FUNCTIONS.keys() - routed
    streamed = {target(mapping["FunctionName"]) for mapping in STREAMED.values()}
    assert {function for metric, function in watched if metric == "IteratorAge"} == streamed
    worked_on = {target(mapping["EventSourceArn"]) for mapping in QUEUED.values()}
    assert {queue for metric, queue in watched if metric == "ApproximateAgeOfOldestMessage"} == worked_on
    assert {"5XXError", "Throttles", "WriteThrottleEvents"} <= {alarm["MetricName"] for alarm in ALARMS.values()}
    for alarm in ALARMS.values():
        assert alarm["AlarmActions"]["If"][0] == "AlarmsAreSent"


def test_throttles_of_indexes_are_watched() -> None:
    """A table's metric does not count it; the index has a metric of its own, with one more dimension.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
    """
    watched = {
        (
            alarm["MetricName"],
            *(one["Value"] if isinstance(one["Value"], str) else target(one["Value"]) for one in dimensions),
        )
        for alarm in ALARMS.values()
        if (dimensions := alarm.get("Dimensions")) and alarm["Namespace"] == "AWS/DynamoDB"
    }
    of_tables = {one for one in watched if len(one) == 2}
    wanted = {
        (metric, table, index["IndexName"])
        for metric, table in of_tables
        for index in TABLES[table].get("GlobalSecondaryIndexes", [])
    }
    assert len(wanted) == 26
    assert watched == of_tables | wanted


@pytest.mark.parametrize("kind", sorted(API["GatewayResponses"]))
def test_the_gateway_speaks_like_the_api(kind: str) -> None:
    response = API["GatewayResponses"][kind]
    template = response["ResponseTemplates"]["application/json"].replace("$context.error.messageString", '"in words"')
    body, status = json.loads(template), response.get("StatusCode")
    coded = {"code", "errorCode", "message", "details", "type", "error"} - ({"code"} if status is None else set())
    assert body.keys() == {"detail"} | (set() if status == 401 else coded)
    assert (body.get("code", status), body.get("details", {})) == (status, {})
    if status != 401:
        assert body["error"].keys() == {"code", "message"}
        assert all(body["error"].values())
    headers = response.get("ResponseParameters", {}).get("Headers", {})
    assert headers.get("WWW-Authenticate") == ("'Token'" if response.get("StatusCode") == 401 else None)
    assert ("Retry-After" in headers) == (response.get("StatusCode") == 429)


def test_gateway_responses_are_those_of_the_contract() -> None:
    answers = {
        kind: (response.get("StatusCode"), response["ResponseTemplates"]["application/json"])
        for kind, response in API["GatewayResponses"].items()
    }
    assert answers["UNAUTHORIZED"] == (401, '{"detail":"Authentication credentials were not provided."}')
    assert answers["ACCESS_DENIED"] == (401, '{"detail":"Invalid token."}')
    assert {"DEFAULT_4XX", "DEFAULT_5XX"} <= answers.keys()


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("MISSING_AUTHENTICATION_TOKEN", errors.NotFound()),
        ("THROTTLED", errors.Throttled(1)),
        ("QUOTA_EXCEEDED", errors.Throttled(60)),
        ("WAF_FILTERED", errors.Throttled(60)),
        ("REQUEST_TOO_LARGE", errors.TooLarge()),
        ("BAD_REQUEST_BODY", errors.Malformed()),
        ("BAD_REQUEST_PARAMETERS", errors.Malformed()),
        ("UNSUPPORTED_MEDIA_TYPE", errors.UnsupportedMediaType("text/x")),
        ("AUTHORIZER_FAILURE", errors.BatchyardError()),
        ("AUTHORIZER_CONFIGURATION_ERROR", errors.BatchyardError()),
    ],
)
def test_gateway_responses_are_those_of_the_functions(kind: str, error: errors.BatchyardError) -> None:
    response = API["GatewayResponses"][kind]
    body = json.loads(response["ResponseTemplates"]["application/json"])
    said = json.loads(coded.answer(error).body or "")
    assert (body["code"], body["errorCode"]) == (said["code"], said["errorCode"])
    headers = response.get("ResponseParameters", {}).get("Headers", {})
    said_later = coded.answer(error).headers.get("Retry-After")
    assert headers.get("Retry-After") == (f"'{said_later}'" if said_later else None)


def test_the_access_log_holds_no_secret() -> None:
    line = API["AccessLogSetting"]["Format"]
    assert "\n" not in line
    named = re.findall(r"\$context\.([\w.]+)", " ".join(json.loads(line).values()))
    assert {"requestId", "status", "authorizer.principalId", "authorizer.token"} <= set(named)
    # What a client sends: the path holds IDs, the rest may hold anything.
    assert not [name for name in named if re.search(r"path$|header|query|body|params|claims", name)]


def test_the_log_level_lets_the_audit_log_through() -> None:
    # `batchyard.http.audit` logs information.
    assert template()["Globals"]["Function"]["LoggingConfig"]["ApplicationLogLevel"] == "INFO"


def test_the_login_has_the_memory_and_the_cpu_that_a_hash_takes() -> None:
    memory = FUNCTIONS["LoginFunction"]["MemorySize"]
    # Lambda gives a whole CPU with 1,769 MB. Beside the hash there is room for the process, which takes some 100 MB.
    assert memory >= 1769
    assert 128 * tokens.COST.r * 2**tokens.COST.ln <= 128 * 2**20 < (memory - 512) * 2**20


def test_the_login_is_slowed_down() -> None:
    logins = [event for function, event in events("Api") if function in {"LoginFunction", "CreateAccessTokenFunction"}]
    assert len(logins) == 2
    for event in logins:
        assert SLOWED_DOWN[event["Method"], event["Path"]] < EVERYWHERE["ThrottlingRateLimit"]


def test_public_routes_are_throttled() -> None:
    served = {(method, path) for method, path in SERVED if path.startswith("/public/")}
    assert {method for method, _ in served} == {"GET", "HEAD"}
    assert all(SLOWED_DOWN[route] < EVERYWHERE["ThrottlingRateLimit"] for route in served)


def per_address() -> dict[str, float]:
    """What one address may ask of paths that hold a text, per second."""
    [acl] = resources("AWS::WAFv2::WebACL").values()
    found = {}
    for rule in acl["Rules"]:
        assert rule["Action"] == {"Block": {}}
        rate = rule["Statement"]["RateBasedStatement"]
        assert rate["AggregateKeyType"] == "IP"
        scope = rate["ScopeDownStatement"]
        for statement in scope["OrStatement"]["Statements"] if "OrStatement" in scope else [scope]:
            match = statement["ByteMatchStatement"]
            assert (match["FieldToMatch"], match["PositionalConstraint"]) == ({"UriPath": {}}, "CONTAINS")
            found[match["SearchString"]] = rate["Limit"] / rate["EvaluationWindowSec"]
    return found


def test_limits_of_an_address_are_below_those_of_public_routes() -> None:
    public = {(one.method, one.path) for one in api_methods() if one.authorizer == "NONE"} & SLOWED_DOWN.keys()
    assert {path for _, path in public} >= {"/api/v1/auth/login", "/public/collection/{collectionId}/verifySN/{codeId}"}
    bounded = {route: limit for route in public for text, limit in per_address().items() if text in route[1]}
    assert bounded.keys() >= {(method, path) for method, path in public if not path.startswith(("/docs", "/openapi"))}
    for route, limit in bounded.items():
        assert limit <= SLOWED_DOWN[route] / 5, route
    # Nobody who shows a token is meant.
    guarded = {path for _, path in SERVED} - {path for _, path in public}
    assert not [path for path in guarded for text in per_address() if text in path]


def test_the_limits_of_addresses_are_on_unless_somebody_turns_them_off() -> None:
    assert template()["Parameters"]["WebAcl"]["Default"] == "on"
    [association] = resources("AWS::WAFv2::WebACLAssociation").values()
    assert target(association["WebACLArn"]) in resources("AWS::WAFv2::WebACL")
    conditional = {
        name for name, one in template()["Resources"].items() if one.get("Condition") == "AddressesAreBounded"
    }
    assert conditional == {"AddressLimits", "AddressLimitsOfStage"}
    [made] = transformed.of("AWS::WAFv2::WebACLAssociation").values()
    # The stage that SAM makes, so that it is there by then.
    [stage] = [name for name, one in transformed.resources().items() if one["Type"] == "AWS::ApiGateway::Stage"]
    assert f"${{{stage}}}" in json.dumps(made["ResourceArn"])


def test_the_template_has_no_yaml_aliases() -> None:
    """It takes no YAML aliases, which a local parser resolves without a word."""
    tokens = list(yaml.scan((ROOT / "template.yaml").read_text()))
    assert not [token for token in tokens if isinstance(token, yaml.AliasToken | yaml.AnchorToken)]
