"""Several calls at once."""

import contextvars
from collections.abc import Callable, Iterable


def each[Argument, Result](
    function: Callable[[Argument], Result], arguments: Iterable[Argument], threads: int
) -> list[Result]:
    """What a function returns for each of some arguments, in their order.

    Args:
        function: May block; several calls are made in other threads, each with a copy of this one's context variables.
        arguments: All of them are held at once.
        threads: How many calls run at a time.

    Raises:
        Exception: What the first of the calls that failed raised. Those that have begun come to their end before.
    """
    found = list(arguments)
    if len(found) < 2:
        return [contextvars.copy_context().run(function, argument) for argument in found]
    # Most functions never have more than one call to make.
    from concurrent.futures import ThreadPoolExecutor

    # A thread does not know by itself how long the function still runs.
    contexts = [contextvars.copy_context() for _ in found]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda context, argument: context.run(function, argument), contexts, found))
