"""The engine takes no `ANY` methods from the document that it imports an API from."""

import re
from collections.abc import Callable, Mapping
from typing import Any


def put(gateway: Any, api: str, document: Mapping[str, Any], region: str, arn_of: Callable[[str], str]) -> None:
    """Puts those of the document.

    Args:
        gateway: A client of API Gateway.
        api: The API's ID.
        document: The OpenAPI document that SAM makes of the template.
        region: Where the functions are.
        arn_of: The ARN of a function by its logical ID.
    """
    resources = {found["path"]: found["id"] for found in gateway.get_resources(restApiId=api, limit=500)["items"]}
    authorizers = {found["name"]: found["id"] for found in gateway.get_authorizers(restApiId=api)["items"]}
    for path, operations in document["paths"].items():
        if method := operations.get("x-amazon-apigateway-any-method"):
            where = {"restApiId": api, "resourceId": resources[path], "httpMethod": "ANY"}
            asked = authorizers.keys() & method["security"][0].keys()
            guard = {"authorizationType": "CUSTOM", "authorizerId": authorizers[asked.pop()]} if asked else {}
            gateway.put_method(**where, **(guard or {"authorizationType": "NONE"}))
            uri = _resolved(method["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"], region, arn_of)
            gateway.put_integration(**where, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)


def _resolved(uri: str, region: str, arn_of: Callable[[str], str]) -> str:
    """An integration's URI, with the function's ARN in it."""
    function = re.search(r"\$\{(\w+)\.Arn\}", uri)
    assert function is not None, uri
    values = {function[0]: arn_of(function[1]), "${AWS::Region}": region, "${AWS::Partition}": "aws"}
    for name, value in values.items():
        uri = uri.replace(name, value)
    return uri
