"""Settings one by one, for ``zoo info`` and the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import BaseMetadata, Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

__all__ = ["Setting", "settings"]


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

    Args:
        config_class: The class.
        config: Whose values to tell; ``None``: the defaults.
        prefix: Put before every path, with its dot.
    """
    plain = config.model_dump(mode="json") if config is not None else {}
    for name, field in config_class.model_fields.items():
        value = getattr(config, name) if config is not None else _default(field)
        section = type(value) if isinstance(value, BaseModel) else field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            inner = value if isinstance(value, BaseModel) else None
            yield from settings(section, inner, f"{prefix}{name}.")
            continue
        yield Setting(
            path=f"{prefix}{name}",
            type=_type_name(field.annotation, field.metadata),
            value=plain[name] if config is not None else _plain(value),
            required=field.is_required(),
            meaning=field.description or "",
        )


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
    for bound in _flat(metadata):
        if isinstance(bound, Gt):
            told += f" > {bound.gt}"
        elif isinstance(bound, Ge):
            told += f" >= {bound.ge}"
        elif isinstance(bound, Lt):
            told += f" < {bound.lt}"
        elif isinstance(bound, Le):
            told += f" <= {bound.le}"
    return told


def _flat(metadata: list[Any] | tuple[Any, ...]) -> Iterator[BaseMetadata]:
    """Bounds, also those that are still inside a nested ``Field(...)``."""
    for item in metadata:
        if isinstance(item, FieldInfo):
            yield from _flat(item.metadata)
        else:
            yield item
