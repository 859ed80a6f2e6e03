"""What the batch function may do: what the routes may do that can be called inside a batch, and nothing else."""

from collections.abc import Iterable, Mapping
from typing import Any

from tools.generate.cloudformation import as_list, reference


def union(functions: Iterable[Mapping[str, Any]]) -> str:
    """The fewest statements that permit what the functions' policies permit together, and no more.

    Args:
        functions: Their properties.
    """
    permitted: dict[str, set[str]] = {}
    for function in functions:
        for policy in function.get("Policies", []):
            for statement in policy["Statement"]:
                for resource in as_list(statement["Resource"]):
                    permitted.setdefault(reference(resource), set()).update(as_list(statement["Action"]))
    # Resources of which the same is permitted share a statement: then none gets an action of another one's.
    shared: dict[tuple[str, ...], list[str]] = {}
    for resource, actions in permitted.items():
        shared.setdefault(tuple(sorted(actions)), []).append(resource)
    return "".join(_statement(actions, sorted(resources)) for actions, resources in sorted(shared.items()))


def _statement(actions: tuple[str, ...], resources: list[str]) -> str:
    named = "".join(f"    - {resource}\n" for resource in resources)
    return f"- Effect: Allow\n  Action: [{', '.join(actions)}]\n  Resource:\n{named}"
