"""The parts that template.yaml is made of: `functions/resources.yaml`, and one beside the handlers of each family.

A part has the sections of a template and a few of its own, which go to one place inside another: `Environment` (what
all functions find in theirs), `MethodSettings` (of the API), and `Alarms`, which tells what alarms say:

    Alarms:
      ExportsQueue:
        DeadLetters: There are exports of serials that were not written.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tools.generate import FUNCTIONS, ROOT, Unfit
from tools.generate.cloudformation import parsed

FILE = "resources.yaml"


@dataclass(frozen=True)
class Part:
    """One of the files.

    Args:
        name: What messages call it.
        text: All of it.
    """

    name: str
    text: str

    @cached_property
    def data(self) -> dict[str, Any]:
        """It as data."""
        data: dict[str, Any] = parsed(self.text)
        return data

    @cached_property
    def sections(self) -> dict[str, str]:
        """The lines of each section, without the key."""
        _, *pieces = re.split(r"(?m)^(\w+):\n", self.text)
        # A comment without indentation is about the section below it.
        return {
            name: re.sub(r"(\n|(?m:^)#.*\n)*\Z", "\n", lines, count=1)
            for name, lines in zip(pieces[::2], pieces[1::2], strict=True)
        }


@dataclass(frozen=True)
class Parts:
    """All of them.

    Args:
        frame: What is shared, with the places where the rest goes.
        families: The families' own, in the order of their names.
    """

    frame: Part
    families: Sequence[Part]

    @cached_property
    def resources(self) -> dict[str, dict[str, Any]]:
        """All resources by their logical IDs.

        Raises:
            Unfit: Two parts have one.
        """
        return self._all("Resources")

    @cached_property
    def alarms(self) -> dict[str, Mapping[str, str]]:
        """What the alarms of resources say, by the resource and the kind of alarm.

        Raises:
            Unfit: Two parts have those of one resource.
        """
        return self._all("Alarms")

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """The properties of all resources of a type, by their logical IDs."""
        return {name: one.get("Properties", {}) for name, one in self.resources.items() if one["Type"] == kind}

    def _all(self, section: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for part in (self.frame, *self.families):
            own = part.data.get(section, {})
            if twice := found.keys() & own.keys():
                raise Unfit(f"{section} of {part.name} has {', '.join(sorted(twice))}, as another part has")
            found |= own
        return found


def parts(functions: Path = FUNCTIONS) -> Parts:
    """The parts as they are."""
    return Parts(_part(functions / FILE), [_part(file) for file in sorted(functions.glob(f"*/{FILE}"))])


def _part(file: Path) -> Part:
    return Part(str(file.relative_to(ROOT)), file.read_text())
