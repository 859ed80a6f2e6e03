"""What the states of jobs hold, which are JSON: chunks of a spool, and a file that grows."""

from collections.abc import Mapping
from typing import Any

from batchyard.batch_jobs.spool import Chunk
from batchyard.work.growing_file import GrowingFile


def chunks(state: Mapping[str, Any], name: str) -> list[Chunk]:
    """The chunks that a state has under a name; none where it has no such."""
    return [Chunk(*one) for one in state.get(name, ())]


def file(state: Mapping[str, Any], name: str, key: str, content_type: str) -> GrowingFile:
    """The file that a state has under a name, as far as it is written; an empty one where it has none.

    Args:
        key: Where the file lies, or will.
        content_type: Its media type.
    """
    kept = state.get(name)
    if kept is None:
        return GrowingFile(key, content_type)
    return GrowingFile(key, content_type, kept["upload"], bytes.fromhex(kept["parts"]), kept["size"])


def keep(file: GrowingFile) -> dict[str, Any]:
    """What `file` needs of a file."""
    return {**file.kept, "parts": file.parts.hex()}
