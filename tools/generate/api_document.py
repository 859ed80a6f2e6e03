"""The OpenAPI document that the API has beside the events of the routes: what several methods lead to.

That is each route that reads, which GET and HEAD ask for; the other methods of each path, which are refused, or
answered for browsers; and the paths that a function takes with any method. As an event each method would be a statement
in its function's policy and a resource of the stack; here a function has one permission for all that leads to it.
"""

import re
from collections.abc import Iterable, Mapping

from tools.generate import Unfit
from tools.generate.handlers import PUBLIC, Handler
from tools.generate.routes import table

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
"""Methods that a path answers, by its route or by refusing them; the paths of all others lead to the greedy one."""

_READS = ("GET", "HEAD")
_FALLBACK = "gateway.fallback.handler"
# What an OpenAPI document of API Gateway calls `ANY`.
_ANY = "x-amazon-apigateway-any-method"


def paths(handlers: Iterable[Handler], functions: Mapping[str, str]) -> str:
    """The document's `paths`.

    Args:
        handlers: All handlers.
        functions: The functions' logical IDs by the handlers' names.
    """
    known = {handler.name: handler for handler in handlers}
    found: dict[str, list[str]] = {}
    for handler in known.values():
        for path in handler.catch_all:
            found[path] = [_operation(_ANY, functions[handler.name], handler.authorizer)]
    if _FALLBACK not in functions:
        raise Unfit(f"no function of the template has the handler {_FALLBACK}")
    for path, served in table(known.values()).items():
        found[path] = []
        for method in METHODS:
            name = f"{served[method]}.handler" if method in served else _FALLBACK
            if name == _FALLBACK:
                found[path].append(_operation(method.lower(), functions[name], PUBLIC))
            elif method in _READS:
                found[path].append(_operation(method.lower(), functions[name], known[name].authorizer))
    return "".join(
        f"{path}:\n" + "".join(f"  {line}\n" for line in operations) for path, operations in sorted(found.items())
    )


def has(handler: Handler) -> bool:
    """Whether a function is called by the document, and not by an event of its own."""
    return bool(handler.catch_all) or (handler.route is not None and handler.route[0] in _READS)


def permission(function: str, handler: Handler) -> str:
    """The resource that lets the API call a function for all that the document leads to it."""
    path = "/*" if handler.route is None else re.sub(r"\{\w+\}", "*", handler.route[1])
    return f"""\
{function}ApiPermission:
  Type: AWS::Lambda::Permission
  Properties:
    Action: lambda:InvokeFunction
    FunctionName: !Ref {function}
    Principal: apigateway.amazonaws.com
    SourceArn: !Sub arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{Api}}/*/*{path}
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
