"""A parameter of a template is text, also one that is a number; the engine does not make one of it in a mapping.

Its poller of queues then stops at the comparison of the two.
"""

from typing import Any


def mend(functions: Any) -> None:
    """Makes numbers of what the mappings of queues have as `MaximumConcurrency`.

    Args:
        functions: A client of Lambda.
    """
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        limit = mapping.get("ScalingConfig", {}).get("MaximumConcurrency")
        if limit is not None:
            functions.update_event_source_mapping(
                UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": int(limit)}
            )
