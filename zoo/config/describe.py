"""Settings one by one, for ``zoo info`` and the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

__all__ = ["Setting", "settings"]

_SIGNS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting.

    Attributes:
        path: Dotted.
        type: What it may be, in words: ``float > 0 or none``.
        value: Its value, as plain data; the default where no configuration was given.
        required: Whether it has no default.
        meaning: The string under the field.
    """

    path: str
    type: str
    value: Any
    required: bool
    meaning: str


def settings(
    config_class: type[BaseModel], config: BaseModel | None = None, prefix: str = ""
) -> Iterator[Setting]:
    """All settings of a config class, nested ones by their path.

    An optional section that is absent is told as such, and then what it may hold.

    Args:
        config_class: The class.
        config: Whose values to tell; ``None``: the defaults.
        prefix: Put before every path, with its dot.
    """
    yield from _settings(config_class, config, prefix, (config_class,))


def _settings(
    config_class: type[BaseModel],
    config: BaseModel | None,
    prefix: str,
    around: tuple[type[BaseModel], ...],
) -> Iterator[Setting]:
    plain = config.model_dump(mode="json") if config is not None else {}
    for name, field in config_class.model_fields.items():
        value = getattr(config, name) if config is not None else _default(field)
        section = _section(field.annotation)
        if not isinstance(value, BaseModel) and section is not field.annotation:
            yield Setting(
                path=f"{prefix}{name}",
                type=_type_name(field.annotation, field.metadata),
                value=plain[name] if config is not None else _plain(value),
                required=field.is_required(),
                meaning=field.description or "",
            )
        if isinstance(value, BaseModel):
            yield from _settings(type(value), value, f"{prefix}{name}.", around)
        elif section is not None and section not in around:
            yield from _settings(section, None, f"{prefix}{name}.", (*around, section))


def _section(annotation: Any) -> type[BaseModel] | None:
    """The config class that an annotation is, or is unless it is ``None``."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            optional = candidate is annotation or NoneType in get_args(annotation)
            return candidate if optional else None
    return None


def _default(field: FieldInfo) -> Any:
    if field.is_required():
        return None
    try:
        return field.get_default(call_default_factory=True)
    except ValueError:  # a section with settings that have no default
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _type_name(annotation: Any, metadata: list[Any] | tuple[Any, ...] = ()) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type_name(arguments[0], (*arguments[1:], *metadata))
    if origin is Literal:
        return " | ".join(map(str, arguments))
    if origin in (Union, UnionType):
        others = [_type_name(item) for item in arguments if item is not NoneType]
        optional = ["none"] if NoneType in arguments else []
        return " or ".join([others[0] + _bounds(metadata), *others[1:], *optional])
    if origin is not None:
        inner = ", ".join("..." if item is Ellipsis else _type_name(item) for item in arguments)
        return f"{origin.__name__}[{inner}]"
    return getattr(annotation, "__name__", str(annotation)) + _bounds(metadata)


def _bounds(metadata: list[Any] | tuple[Any, ...]) -> str:
    told = ""
    for item in metadata:
        if isinstance(item, FieldInfo):  # of an inner Annotated[..., Field(ge=1)]
            told += _bounds(item.metadata)
        for name, sign in _SIGNS.items():
            if hasattr(item, name):
                told += f" {sign} {getattr(item, name)}"
    return told
