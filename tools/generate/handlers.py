"""What the handlers below `functions/` say about themselves."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from batchyard.http import coded, drf, typed
from batchyard.http.app import App, Dialect
from tools.generate import FUNCTIONS, Unfit

PUBLIC = "NONE"
"""The authorizer of whatever asks for no token, as SAM calls it."""

DEFAULT_AUTHORIZER = "TokenAuthorizer"
"""The authorizer of whatever names no other one."""

LETTING_AUTHORIZER = "KeyAuthorizer"
"""The authorizer that lets everybody pass, for whatever refuses those without a good key in words of its own."""

# Who brought no good key is told so by the default authorizer in the words of DRF, or by the route in its own.
_AUTHORIZERS: tuple[tuple[Dialect, str], ...] = (
    (drf, DEFAULT_AUTHORIZER),
    (coded, LETTING_AUTHORIZER),
    (typed, LETTING_AUTHORIZER),
)


@dataclass(frozen=True, slots=True)
class Handler:
    """A module with a `handler`, which is one function.

    A route's module has an `app` that knows the route. One that takes whole branches of the API names their paths in
    `CATCH_ALL`, and one that cannot be called inside a batch says so in `OUTSIDE_BATCHES`.
    """

    module: ModuleType

    @property
    def name(self) -> str:
        """What a function of the template names as its `Handler`."""
        return f"{self.module.__name__}.handler"

    @property
    def app(self) -> App | None:
        """Its resolver; None for a trigger."""
        app = getattr(self.module, "app", None)
        return app if isinstance(app, App) else None

    @property
    def route(self) -> tuple[str, str] | None:
        """The method and path that it serves, if it is a route.

        Raises:
            Unfit: It serves several.
        """
        served = self.app.served() if self.app is not None else []
        if len(served) > 1:
            raise Unfit(f"{self.name} serves more than one route: {served}")
        return served[0] if served else None

    @property
    def catch_all(self) -> tuple[str, ...]:
        """The paths that it takes with any method."""
        paths: tuple[str, ...] = getattr(self.module, "CATCH_ALL", ())
        return paths

    @property
    def works_in_batches(self) -> bool:
        """Whether its route can be called inside a batch."""
        return self.route is not None and not hasattr(self.module, "OUTSIDE_BATCHES")

    @property
    def authorizer(self) -> str:
        """The authorizer that stands before it.

        Raises:
            Unfit: Nobody said which one its dialect wants.
        """
        app = self.app
        if app is None:
            return LETTING_AUTHORIZER
        if app.public:
            return PUBLIC
        for dialect, authorizer in _AUTHORIZERS:
            if app.dialect is dialect:
                return authorizer
        raise Unfit(f"{self.name}: tools/generate/handlers.py has no authorizer for its dialect")


def handlers(functions: Path = FUNCTIONS) -> Iterator[Handler]:
    """All handlers, in the order of their modules."""
    for file in sorted(functions.rglob("*.py")):
        module = importlib.import_module(".".join(file.relative_to(functions).with_suffix("").parts))
        if hasattr(module, "handler"):
            yield Handler(module)
