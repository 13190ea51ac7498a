"""Words are the sentences a person reads when something typed can't be meant, whatever pydantic calls it inside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from workbench.errors import InvalidError, WorkbenchError

__all__ = ["Fact", "explain"]


class Fact(BaseModel):
    """Something the record holds: never changed in place, without unknown fields, and refused in plain words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    called: ClassVar[str] = "record"
    """What a person calls it."""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Return the fact these values make.

        Raises:
            InvalidError: with every field that needs correcting (``milestones.detected_at``) and why.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise InvalidError.of(cls.called, explain(error)) from None
        except WorkbenchError as error:  # a citation's window tells of itself
            raise InvalidError.of(cls.called, {"evidence": str(error)}) from None

    @classmethod
    def problems(cls, values: Mapping[str, Any]) -> dict[str, str]:
        """Return what `of` would refuse, by field, for forms that check as somebody types; empty when all is well."""
        try:
            cls.of(values)
        except InvalidError as error:
            return error.fields
        return {}


def explain(error: ValidationError) -> dict[str, str]:
    """Return each wrong field's path, joined by dots, with what is wrong in words a person would use."""
    told: dict[str, str] = {}
    for problem in error.errors(include_url=False):
        path = [str(step) for step in problem["loc"]]
        told.setdefault(".".join(path) or "values", _say(problem["type"], problem.get("ctx", {}), problem["msg"]))
    return told


def _say(kind: str, context: Mapping[str, Any], message: str) -> str:
    if kind in _PLAIN:
        return _PLAIN[kind].format(**context)
    return message


_NUMBER = "must be a whole number, such as 12"
_PLAIN = {
    "missing": "is required",
    "extra_forbidden": "is not a field the workbench knows; check how it is written",
    "string_type": "must be text",
    "string_unicode": "holds a broken character; type the text again",
    "string_too_long": "is too long; {max_length} characters are the most",
    "too_long": "has too many items; {max_length} are the most",
    "enum": "must be one of {expected}",
    "int_type": _NUMBER,
    "int_parsing": _NUMBER,
    "int_from_float": _NUMBER,
    "finite_number": _NUMBER,
    "int_parsing_size": "is too large a number",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "tuple_type": "must be a list",
    "model_type": "must be a group of fields",
    "dict_type": "must be a group of fields",
}
