"""What pydantic found wrong, told as a :class:`~zoo.errors.ConfigError`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from zoo.errors import ConfigError, suggestion

__all__ = ["KeyPath", "clean_path", "config_error", "dotted", "known_fields"]

KeyPath: TypeAlias = tuple[str | int, ...]
_EXPECTED = "Input should be "


def dotted(path: KeyPath) -> str:
    """``a.0.b``."""
    return ".".join(str(part) for part in path)


def clean_path(location: KeyPath, values: object, *, missing: bool = False) -> KeyPath:
    """The path of a pydantic error in what was given, without names of union members.

    Args:
        location: Pydantic's ``loc``; inside a union it also names the member that was tried.
        values: What was validated.
        missing: Whether the last part names something that is not there.
    """
    path: list[str | int] = []
    for part in location:
        if isinstance(values, Mapping) and part in values:
            values = values[part]
        elif isinstance(values, Sequence) and not isinstance(values, str) and isinstance(part, int):
            values = values[part] if part < len(values) else None
        else:
            continue
        path.append(part)
    return (*path, location[-1]) if missing and location else tuple(path)


def config_error(
    error: ValidationError,
    config_class: type[BaseModel],
    values: Mapping[str, Any],
    *,
    prefix: str = "",
    origin: Callable[[KeyPath], str] = lambda _: "",
) -> ConfigError:
    """All findings of pydantic as one error.

    Args:
        error: What pydantic raised.
        config_class: The class that refused.
        values: What it was given.
        prefix: Dotted path of ``values`` in the whole configuration.
        origin: KeyPath -> name of the layer that set it; empty: unknown.
    """
    grouped: dict[KeyPath, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        path = clean_path(detail["loc"], values, missing=detail["type"] == "missing")
        grouped.setdefault(path, []).append(detail)
    problems: list[ConfigError] = []
    for path, details in grouped.items():
        layer = origin(path)
        where = ".".join(filter(None, (prefix, dotted(path)))) + (f" (from {layer})" * bool(layer))
        known = known_fields(config_class, values, path[:-1])
        problems.append(_problem(where, path, details, known))
    if len(problems) == 1:
        return problems[0]
    listed = "\n".join(f"- {problem}" for problem in problems)
    return ConfigError(
        f"{len(problems)} settings are not accepted:\n{listed}",
        where=", ".join(problem.where for problem in problems),
        remedy="correct each of them",
    )


def known_fields(config_class: type[BaseModel], values: object, path: KeyPath) -> list[str]:
    """Names of the settings at a path, over all members of a union that ``values`` admit."""
    models = _models(config_class, values, path)
    return sorted({name for candidate in models for name in candidate.model_fields})


def _problem(
    where: str, path: KeyPath, details: Sequence[ErrorDetails], known: Sequence[str]
) -> ConfigError:
    kinds = {detail["type"] for detail in details}
    if kinds == {"extra_forbidden"}:
        remedy = suggestion(str(path[-1]), known)
        return ConfigError("there is no such setting", where=where, remedy=remedy)
    if kinds == {"union_tag_not_found"}:
        remedy = f"add {details[0]['ctx']['discriminator']}"
        return ConfigError("it does not say of which kind it is", where=where, remedy=remedy)
    if kinds == {"missing"}:
        return ConfigError(
            "this setting has no default and must be set",
            where=where,
            remedy=f"--set {where}=VALUE, or set it in a --config file",
        )
    if all(_is_expectation(detail) for detail in details):
        expected = " or ".join(dict.fromkeys(map(_expectation, details)))
        return ConfigError(
            f"got {_given(details[0])}, expected {expected}",
            where=where,
            remedy=f"set it to {expected}",
        )
    contradicting = details[0].get("ctx", {}).get("fields")
    return ConfigError(
        "; ".join(detail["msg"] for detail in details),
        where=where,
        remedy=f"change one of {', '.join(contradicting)}" if contradicting else "change it",
    )


def _is_expectation(detail: ErrorDetails) -> bool:
    return detail["msg"].startswith(_EXPECTED) or detail["type"] == "string_pattern_mismatch"


def _expectation(detail: ErrorDetails) -> str:
    if detail["type"] in ("model_type", "dict_type", "model_attributes_type"):
        return "a table of settings"
    if detail["type"] == "string_pattern_mismatch":
        return f"text like {detail['ctx']['pattern']}"
    text = detail["msg"].removeprefix(_EXPECTED).partition(", unable to")[0]
    return f"a value {text}" if text.startswith(("greater", "less")) else text


def _given(detail: ErrorDetails) -> str:
    text = repr(detail["input"])
    return text if len(text) <= 80 else f"{text[:77]}..."


def _models(annotation: object, values: object, path: KeyPath) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not _admits(annotation, values):
            return
        if not path:
            yield annotation
        elif path[0] in annotation.model_fields:
            inner = annotation.model_fields[str(path[0])].annotation
            yield from _models(inner, _child(values, path[0]), path[1:])
        return
    origin = get_origin(annotation)
    descends = isinstance(origin, type) and issubclass(origin, (Mapping, Sequence))
    if descends and path:
        values, path = _child(values, path[0]), path[1:]
    for argument in get_args(annotation):
        yield from _models(argument, values, path)


def _admits(candidate: type[BaseModel], values: object) -> bool:
    """Whether the literal fields (the ``kind`` of a union member) allow what was given."""
    if not isinstance(values, Mapping):
        return True
    return all(
        values[name] in get_args(field.annotation)
        for name, field in candidate.model_fields.items()
        if get_origin(field.annotation) is Literal and name in values
    )


def _child(values: object, key: str | int) -> object:
    if isinstance(values, Mapping):
        return values.get(key)
    if isinstance(values, Sequence) and isinstance(key, int) and key < len(values):
        return values[key]
    return None
