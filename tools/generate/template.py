"""template.yaml: put together from its parts, with what is computed where `# generated:` stands.

It is put together as text, so that comments and layout stay as they are.
"""

import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tools.generate import Unfit, alarms, api_document, dashboard, gateway_responses, policies
from tools.generate.handlers import DEFAULT_AUTHORIZER, Handler
from tools.generate.parts import Part, Parts

_HEADER = """\
# Written by `make generate`, from functions/resources.yaml, functions/*/resources.yaml and the handlers: change those.
"""
_RULE = "# ----------------------------------------------------------------"
_PLACE = re.compile(r"(?m)^( *)# (families|generated): (.+)\n")
_BEFORE_THE_NEXT = re.compile(r"(^(#.*)?\n)*\Z", re.MULTILINE)


def text(parts: Parts, handlers: Sequence[Handler]) -> str:
    """The template.

    Raises:
        Unfit: The parts and the handlers do not fit together.
    """
    by_name = {handler.name: handler for handler in handlers}
    functions = {
        name: _handler_of(name, properties, by_name)
        for name, properties in parts.of("AWS::Serverless::Function").items()
    }
    by_handler = {handler.name: name for name, handler in functions.items()}
    if unused := by_name.keys() - by_handler.keys():
        raise Unfit(f"no resources.yaml has a function for {', '.join(sorted(unused))}")
    in_batches = [
        parts.resources[name]["Properties"] for name, handler in functions.items() if handler.works_in_batches
    ]
    computed: dict[str, Callable[[], str]] = {
        "gateway responses": gateway_responses.text,
        "paths of the document": lambda: api_document.paths(handlers, by_handler),
        "what may be done in a batch": lambda: policies.union(in_batches),
        "alarms": lambda: alarms.text(parts, handlers),
        "errors": lambda: dashboard.errors(parts),
        "durations": lambda: dashboard.durations(parts),
        "dead letters": lambda: dashboard.dead_letters(parts),
        "changes waiting": lambda: dashboard.changes_waiting(parts),
        "capacity used": lambda: dashboard.capacity_used(parts),
        "queues": lambda: dashboard.queues(parts),
    }

    placed: set[str] = set()

    def filled(place: re.Match[str]) -> str:
        indentation, kind, name = place.groups()
        placed.add(name)
        if kind == "families":
            found = _of_families(name, parts.families, functions)
        elif name in computed:
            found = computed[name]()
        else:
            raise Unfit(f"nothing is generated that is called {name!r}")
        return textwrap.indent(found, indentation)

    frame = re.sub(r"(?m)^\n(#.*\n)*Alarms:\n( .*\n)+", "", parts.frame.text)
    # What comes from a family may have such places, too.
    whole = _PLACE.sub(filled, _PLACE.sub(filled, frame))
    wanted = {*computed, *(section for part in parts.families for section in part.sections)} - {"Alarms"}
    if lost := wanted - placed:
        raise Unfit(f"{parts.frame.name} has no place for {', '.join(sorted(lost))}")
    return _HEADER + re.sub(r"\A(#.*\n)+", "", whole)


def _of_families(section: str, families: Sequence[Part], functions: Mapping[str, Handler]) -> str:
    """What the families have in a section, one after the other."""
    found = []
    for part in families:
        lines = textwrap.dedent(part.sections.get(section, ""))
        if lines and section == "Resources":
            lines = f"{_RULE} {part.name}\n\n{_completed(lines, functions)}\n"
        found.append(lines)
    return "".join(found).rstrip("\n") + "\n"


def _completed(resources: str, functions: Mapping[str, Handler]) -> str:
    """Resources, of which functions have what the code says of how they are called."""
    completed = []
    for block in re.split(r"(?m)^(?=\w+:\n)", resources):
        # What stands before the next resource belongs to that one.
        own = _BEFORE_THE_NEXT.sub("", block, count=1)
        name = own.partition(":")[0]
        added = _called(name, functions[name]) if name in functions else ""
        completed.append(own + added + block[len(own) :])
    return "".join(completed)


def _called(function: str, handler: Handler) -> str:
    """What is to be added to a function so that the API calls it: its event, or the permission for what it answers."""
    if api_document.has(handler):
        return "\n" + api_document.permission(function, handler)
    if handler.route is not None:
        method, path = handler.route
        event = f"""\
    Events:
      Route:
        Type: Api
        Properties:
          RestApiId: !Ref Api
          Path: {path}
          Method: {method}
"""
        if handler.authorizer != DEFAULT_AUTHORIZER:
            event += f"          Auth: {{Authorizer: {handler.authorizer}}}\n"
        return event
    return ""


def _handler_of(function: str, properties: Mapping[str, Any], by_name: Mapping[str, Handler]) -> Handler:
    handler = by_name.get(properties["Handler"])
    if handler is None:
        raise Unfit(f"{function} has the handler {properties['Handler']}, which is not there")
    if handler.route is not None and "Events" in properties:
        raise Unfit(f"{function} has Events, but the event of a route comes from its module")
    return handler
