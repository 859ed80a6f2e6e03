"""The engine undoes escapes that are to stay, and leaves some that are to go.

It undoes a path's before it routes, so that `%2F` parts segments and no policy matches `%0A`; API Gateway leaves a path
as it was sent. It takes `multipart~1form-data` for a media type, as which CloudFormation writes `multipart/form-data`.
As a program, this is the engine with both mended, one that saves in between (`saving`) and reads the same text once
(`texts`); its own Python runs it.
"""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any


def main() -> None:
    """Runs the engine."""
    from ministack import app  # type: ignore[import-not-found]
    from ministack.core import iam_actions, iam_evaluator  # type: ignore[import-not-found]
    from ministack.services import apigateway_v1, dynamodb  # type: ignore[import-not-found]

    matches = apigateway_v1._media_type_matches

    def matches_written(media_type: Any, binary: Any) -> bool:
        return bool(matches(media_type, [name.replace("~1", "/") for name in binary or ()]))

    apigateway_v1._media_type_matches = matches_written

    handle = app._handle_execute_api_request

    async def as_sent(host: str, path: str, *others: Any, raw_path: str | None = None, **options: Any) -> Any:
        return await handle(host, raw_path or path, *others, raw_path=raw_path, **options)

    app._handle_execute_api_request = as_sent
    _beside("texts").mend(dynamodb, iam_evaluator, iam_actions)
    _beside("saving").mend(app)
    app.main()


def _beside(name: str) -> Any:
    """A module of this folder, which no import finds: the engine's Python does not know this project."""
    spec = spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
