"""Started again, the engine would have the handlers of streams wait for changes that nobody makes.

It saves how many changes of a table each handler has read, but not the changes, and would have the handlers wait until
as many new ones have come. They begin with the first change after the start instead; what they had not seen when it was
stopped, the recount makes up for.
"""

import json
from pathlib import Path


def forget(saved: Path) -> None:
    """Forgets how far the handlers had read, in the folder of what the engine saved."""
    file = saved / "lambda.json"
    if file.exists():
        state = json.loads(file.read_text())
        state["payload"]["dynamodb_stream_positions"] = {}
        file.write_text(json.dumps(state))
