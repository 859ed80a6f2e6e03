"""The engine takes no gateway responses from the document that it imports an API from."""

from collections.abc import Mapping
from typing import Any


def put(gateway: Any, api: str, document: Mapping[str, Any]) -> None:
    """Puts those of the document.

    Args:
        gateway: A client of API Gateway.
        api: The API's ID.
        document: The OpenAPI document that SAM makes of the template.
    """
    for kind, answer in document["x-amazon-apigateway-gateway-responses"].items():
        status = {"statusCode": str(answer["statusCode"])} if "statusCode" in answer else {}
        gateway.put_gateway_response(
            restApiId=api,
            responseType=kind,
            responseParameters=answer.get("responseParameters", {}),
            responseTemplates=answer["responseTemplates"],
            **status,
        )
