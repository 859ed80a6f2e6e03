"""The engine undoes a path's escapes before it routes, so that `%2F` parts segments and no policy matches `%0A`.

API Gateway leaves a path as it was sent. As a program, this is the engine with that mended; its own Python runs it.
"""

from typing import Any


def main() -> None:
    """Runs the engine."""
    from ministack import app  # type: ignore[import-not-found]

    handle = app._handle_execute_api_request

    async def as_sent(host: str, path: str, *others: Any, raw_path: str | None = None, **options: Any) -> Any:
        return await handle(host, raw_path or path, *others, raw_path=raw_path, **options)

    app._handle_execute_api_request = as_sent
    app.main()


if __name__ == "__main__":
    main()
