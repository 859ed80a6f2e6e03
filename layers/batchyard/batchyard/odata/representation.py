"""Entities as JSON (OData JSON Format 4.0, minimal metadata)."""

from collections.abc import Mapping, Sequence
from typing import Any

from batchyard.clock import iso
from batchyard.jsontext import dumps
from batchyard.odata.lists import of_list
from batchyard.odata.model import DATE_TIME, DECIMAL, INT64, EntityType, Model, Property
from batchyard.odata.query.options import Expand, Options
from batchyard.odata.sets import Row

_LONG_NUMBERS = (DECIMAL, INT64)
"""What not every reader of JSON can hold (OData JSON 4.0, 3.2)."""


def plain(shown: Property, value: Any, *, texts: bool = False) -> Any:
    """A value of a property, as JSON takes it.

    Args:
        texts: Long numbers are strings.
    """
    if value is None:
        return None
    if shown.type == DATE_TIME:
        return iso(value)
    return dumps(value) if texts and shown.type in _LONG_NUMBERS else value


class Shape:
    """What of a type's entities is shown, and how.

    Args:
        model: The model that the type is of.
        shown: The type.
        options: Which properties are selected, and which navigation properties are expanded.
        texts: Long numbers are strings.
    """

    def __init__(self, model: Model, shown: EntityType, options: Options, *, texts: bool = False) -> None:
        self._model = model
        chosen = options.select
        self.properties: Sequence[Property] = [
            one for one in shown.properties.values() if chosen is None or one.name in chosen
        ]
        self._texts = texts
        self._long_numbers = [one.name for one in self.properties if texts and one.type in _LONG_NUMBERS]
        self._moments = [one.name for one in self.properties if one.type == DATE_TIME]
        self._expanded: list[tuple[Expand, Shape]] = [
            (one, Shape(model, model.target(one.navigation), one.options, texts=texts)) for one in options.expand
        ]
        self.selected = self._told(shown, chosen)

    def _told(self, shown: EntityType, chosen: tuple[str, ...] | None) -> str:
        """What a context says of it (OData JSON 4.0, 10.9 and 10.10); empty for all."""
        inner = {expand.navigation.name: shape.selected for expand, shape in self._expanded}
        names = [] if chosen is None else [one.name for one in self.properties]
        for name in shown.navigations:
            if inner.get(name) or (chosen is not None and name in chosen):
                names.append(name + inner.get(name, ""))
        return f"({','.join(names)})" if names or chosen is not None else ""

    def entity(self, row: Row) -> dict[str, Any]:
        """An entity, as JSON takes it."""
        told = {one.name: row[one.name] for one in self.properties}
        for name in self._moments:
            if told[name] is not None:
                told[name] = iso(told[name])
        for name in self._long_numbers:
            if told[name] is not None:
                told[name] = dumps(told[name])
        for expand, shape in self._expanded:
            told.update(shape.related(row, expand))
        return told

    def count(self, number: int) -> int | str:
        """A number of entities."""
        return str(number) if self._texts else number

    def text(self, row: Row, **annotations: str) -> str:
        """An entity as JSON, annotations first."""
        return dumps({**annotations, **self.entity(row)})

    def related(self, row: Row, expand: Expand) -> Mapping[str, Any]:
        """What a navigation property of a row leads to, as it is asked for."""
        name = expand.navigation.name
        found = row[name]
        if not expand.navigation.many:
            return {name: None if found is None else self.entity(found)}
        page = of_list(found, expand.options)
        told: dict[str, Any] = {} if page.total is None else {f"{name}@odata.count": self.count(page.total)}
        return {**told, name: [self.entity(one) for one in page.rows]}
