"""How a command ends: its exit code, and why it could not go on."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DONE = 0
"""It is done; with `--skip-errors` also where rows were left out."""

FAILED = 1
"""The job failed or was canceled, or not everything could be taken back."""

USAGE = 2
"""The command cannot be understood, or a file or a setting of it cannot be used."""

NOT_CONFIRMED = 3
"""The preview was shown, and nobody said yes."""

NO_ANSWER = 4
"""The service cannot be reached, does not answer in time, or is not the one that was meant."""

REFUSED = 5
"""The service says no: to the token, to the request, or there is no such job."""

INTERRUPTED = 130
"""Ctrl-C; a job that was made goes on."""

TOLD = (
    (DONE, "done (with --skip-errors also where rows were left out)"),
    (FAILED, "the job failed or was canceled, or not everything could be taken back"),
    (USAGE, "the command, or a file or setting that it names, cannot be used"),
    (NOT_CONFIRMED, "the preview was shown, and nobody said yes"),
    (NO_ANSWER, "the service does not answer"),
    (REFUSED, "the service says no: to the token or the request, or there is no such job"),
    (INTERRUPTED, "interrupted; a job that was made goes on"),
)


class Stop(Exception):
    """A command cannot go on.

    Args:
        message: Why, in a sentence.
        code: The exit code.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Unusable(Stop):
    """Something that the command names cannot be used."""

    def __init__(self, message: str) -> None:
        super().__init__(message, USAGE)


class NoAnswer(Stop):
    """The service does not answer."""

    def __init__(self, message: str) -> None:
        super().__init__(message, NO_ANSWER)


class Refused(Stop):
    """The service says no.

    Args:
        status: The HTTP status.
        kind: What kind of refusal it is, as the service calls it.
        message: Its words.
    """

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message, REFUSED)
        self.status, self.kind = status, kind


@dataclass
class Ending:
    """What a command has brought about.

    Args:
        code: The exit code.
        values: What scripts get to see, besides the exit code and the message.
        error_file: Where the rows with errors are.
        file: The file that was downloaded.
    """

    code: int = DONE
    values: dict[str, Any] = field(default_factory=dict)
    error_file: Path | None = None
    file: Path | None = None

    def to_json(self, message: str | None = None) -> dict[str, Any]:
        """It as scripts read it."""
        paths = {"file": self.file, "error_file": self.error_file}
        return {
            "exit_code": self.code,
            **self.values,
            **{name: None if path is None else str(path) for name, path in paths.items()},
            "message": message,
        }
