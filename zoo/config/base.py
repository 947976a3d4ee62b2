"""The base of every configuration class."""

from __future__ import annotations

from types import NoneType
from typing import Any, ClassVar, get_args

from pydantic import BaseModel, ConfigDict, model_validator

from zoo.config.migration import Migration

__all__ = ["Config"]


class Config(BaseModel):
    """Base of all settings: immutable, no unknown keys, defaults are checked too.

    The string under a field becomes its description in ``zoo info`` and the JSON schema. TOML has
    no null, so the word ``none`` means ``None`` in every field that may be ``None``.

    Attributes:
        migrations: What was changed since the first version, oldest first.
    """

    migrations: ClassVar[tuple[Migration, ...]] = ()

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, use_attribute_docstrings=True
    )

    @model_validator(mode="before")
    @classmethod
    def _none_by_name(cls, values: Any) -> Any:  # whatever pydantic was given to validate
        if not isinstance(values, dict):
            return values
        return {
            name: None if value == "none" and cls._is_optional(name) else value
            for name, value in values.items()
        }

    @classmethod
    def _is_optional(cls, name: str) -> bool:
        field = cls.model_fields.get(name)
        return field is not None and NoneType in get_args(field.annotation)
