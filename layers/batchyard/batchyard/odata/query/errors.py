"""What is wrong with a query."""

from batchyard.errors import Malformed


class MalformedQuery(Malformed):
    """A query option cannot be read, or does not fit the model.

    Args:
        option: The option's name: `$filter`.
        reason: A sentence that says what is wrong.
        position: The character of the option's value that it is about, from 1; None where it is the whole of it.
    """

    def __init__(self, option: str, reason: str, position: int | None = None) -> None:
        super().__init__(f"{option}: {reason}" if position is None else f"{option}, character {position}: {reason}")
        self.option = option
        self.reason = reason
        self.position = position
