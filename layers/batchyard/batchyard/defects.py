"""What is logged of an exception that nobody foresaw."""

import logging
import traceback

logger = logging.getLogger("batchyard")

_FRAMES = 12


def log_defect(error: BaseException) -> None:
    """Logs where it happened, never what was in it: messages of exceptions quote the data that they trip over."""
    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    logger.error("unforeseen %s at %s", type(error).__name__, " > ".join(frames[-_FRAMES:]))
