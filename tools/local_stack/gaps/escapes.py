"""The engine undoes escapes that are to stay, and leaves some that are to go.

It undoes a path's before it routes, so that `%2F` parts segments and no policy matches `%0A`; API Gateway leaves a path
as it was sent. It takes `multipart~1form-data` for a media type, as which CloudFormation writes `multipart/form-data`.
As a program, this is the engine with both mended; its own Python runs it.
"""

from typing import Any


def main() -> None:
    """Runs the engine."""
    from ministack import app  # type: ignore[import-not-found]
    from ministack.services import apigateway_v1  # type: ignore[import-not-found]

    matches = apigateway_v1._media_type_matches

    def matches_written(media_type: Any, binary: Any) -> bool:
        return bool(matches(media_type, [name.replace("~1", "/") for name in binary or ()]))

    apigateway_v1._media_type_matches = matches_written

    handle = app._handle_execute_api_request

    async def as_sent(host: str, path: str, *others: Any, raw_path: str | None = None, **options: Any) -> Any:
        return await handle(host, raw_path or path, *others, raw_path=raw_path, **options)

    app._handle_execute_api_request = as_sent
    app.main()


if __name__ == "__main__":
    main()
