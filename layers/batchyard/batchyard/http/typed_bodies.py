"""Bodies as class-validator takes them with a white list: the fields of a model and no others."""

from typing import Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic_core import PydanticCustomError


def _no_text(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise PydanticCustomError("int_type", "It is no number.")
    return value


NUMBER = BeforeValidator(_no_text)
"""Makes an integer one that JSON writes as a number, behind its bounds: `60` or `60.0`, not `"60"`."""


class TypedBody(BaseModel):
    """The base of the bodies of routes that answer in the dialect `typed`."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _take_absent_for_null(cls, data: Any) -> Any:
        """A field that is missing is told what it must be, as one that is null is."""
        if not isinstance(data, dict):
            return data
        fields = cls.model_fields.items()
        return {**{field.alias or name: None for name, field in fields if field.is_required()}, **data}
