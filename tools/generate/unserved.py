"""What no route serves: the other methods of each path, and the paths that a function takes with any method.

The API has them from an OpenAPI document of its own, beside the events of the routes. An event would be a statement in
its function's policy and a resource of the stack each; so all paths of a function share one permission.
"""

from collections.abc import Iterable, Mapping

from tools.generate import Unfit
from tools.generate.handlers import PUBLIC, Handler
from tools.generate.routes import table

METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")
"""Methods that a path answers, by its route or by refusing them; the paths of all others lead to the greedy one."""

_FALLBACK = "gateway.fallback.handler"
# What an OpenAPI document of API Gateway calls `ANY`.
_ANY = "x-amazon-apigateway-any-method"


def paths(handlers: Iterable[Handler], functions: Mapping[str, str]) -> str:
    """The document's `paths`.

    Args:
        handlers: All handlers.
        functions: The functions' logical IDs by the handlers' names.
    """
    known = list(handlers)
    found: dict[str, list[str]] = {}
    for handler in known:
        for path in handler.catch_all:
            found[path] = [_operation(_ANY, functions[handler.name], handler.authorizer)]
    if _FALLBACK not in functions:
        raise Unfit(f"no function of the template has the handler {_FALLBACK}")
    for path, served in table(known).items():
        found[path] = [
            _operation(method.lower(), functions[_FALLBACK], PUBLIC) for method in METHODS if method not in served
        ]
    return "".join(
        f"{path}:\n" + "".join(f"  {line}\n" for line in operations) for path, operations in sorted(found.items())
    )


def permission(function: str) -> str:
    """The resource that lets the API call a function for all of its paths."""
    return f"""\
{function}ApiPermission:
  Type: AWS::Lambda::Permission
  Properties:
    Action: lambda:InvokeFunction
    FunctionName: !Ref {function}
    Principal: apigateway.amazonaws.com
    SourceArn: !Sub arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{Api}}/*/*/*
"""


def _operation(method: str, function: str, authorizer: str) -> str:
    uri = (
        "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
        f"${{{function}.Arn}}/invocations"
    )
    integration = f'{{type: aws_proxy, httpMethod: POST, uri: !Sub "{uri}"}}'
    return (
        f"{method}: {{security: [{{{authorizer}: []}}], responses: {{}}, "
        f"x-amazon-apigateway-integration: {integration}}}"
    )
