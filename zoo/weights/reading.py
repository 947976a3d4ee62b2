"""From TOML to cards; what is wrong is told with file, key and remedy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from zoo.config.problems import clean_path, dotted, known_fields
from zoo.config.toml import parse_toml
from zoo.errors import ConfigError, WeightsError, suggestion
from zoo.weights.cards import Card, DataCard, Origin, WeightsCard

__all__ = ["MAX_CARD", "card_from", "parse_card"]

MAX_CARD = 2**20
"""Bytes; more is no card."""

_KINDS: dict[str, type[WeightsCard | DataCard]] = {"weights": WeightsCard, "data": DataCard}


def parse_card(content: bytes, origin: Origin) -> Card:
    """A card from the bytes of its file.

    Raises:
        WeightsError: If it is no card, with the first keys that are wrong and what to do.
    """
    if len(content) > MAX_CARD:
        raise WeightsError(
            f"has more than {MAX_CARD} bytes", where=str(origin), remedy="a card is a short text"
        )
    try:
        values = parse_toml(content.decode(), str(origin))
    except UnicodeDecodeError as error:
        raise WeightsError("is no UTF-8 text", where=str(origin), remedy="save it so") from error
    except ConfigError as error:
        raise WeightsError(error.message, where=str(origin), remedy=error.remedy) from error
    return card_from(values, origin)


def card_from(values: Mapping[str, Any], origin: Origin) -> Card:
    """A card from its values.

    Raises:
        WeightsError: As :func:`parse_card`.
    """
    kind = values.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        said = "does not say its kind" if kind is None else f"is of the unknown kind {kind!r}"
        raise WeightsError(
            f"it {said}",
            where=f"{origin}: kind",
            remedy='kind = "weights" or kind = "data"',
        )
    try:
        card = _KINDS[kind].model_validate(values)
    except ValidationError as error:
        raise _wrong(error, _KINDS[kind], values, origin) from error
    card.found_at(origin)
    return card


def _wrong(
    error: ValidationError, kind: type[BaseModel], values: Mapping[str, Any], origin: Origin
) -> WeightsError:
    problems = [_problem(detail, kind, values) for detail in error.errors(include_url=False)]
    if len(problems) == 1:
        key, message, remedy = problems[0]
        return WeightsError(message, where=f"{origin}: {key}", remedy=remedy)
    listed = "".join(f"\n- {key}: {message}; {remedy}" for key, message, remedy in problems)
    return WeightsError(
        f"{len(problems)} keys are wrong:{listed}",
        where=f"{origin}: {', '.join(key for key, _, _ in problems)}",
        remedy="correct each of them",
    )


def _problem(
    detail: ErrorDetails, kind: type[BaseModel], values: Mapping[str, Any]
) -> tuple[str, str, str]:
    """Key, what is wrong with it, what to do."""
    absent = detail["type"] == "missing"
    path = clean_path(detail["loc"], values, missing=absent)
    key = dotted(path) or "the whole card"
    if absent:
        meaning = _meaning(kind, path)
        return key, "it must be set", f"add {path[-1]}: {meaning}" if meaning else f"add {path[-1]}"
    if detail["type"] == "extra_forbidden":
        known = known_fields(kind, values, path[:-1])
        return key, "a card has no such key", suggestion(str(path[-1]), known)
    message = detail["msg"].removeprefix("Value error, ")
    given = repr(detail["input"])
    if isinstance(detail["input"], Mapping | BaseModel) or len(given) > 120:
        return key, message, "correct it"
    return key, f"{message}; it is {given}", "correct it"


def _meaning(kind: type[BaseModel], path: tuple[str | int, ...]) -> str:
    """What a key is for, in the words of its description."""
    found: Any = kind
    text = ""
    for part in path:
        if isinstance(part, int):
            continue
        field = getattr(found, "model_fields", {}).get(part)
        if field is None:
            return ""
        text, found = field.description or "", _model_in(field.annotation)
    return text.partition("\n")[0].rstrip(".")


def _model_in(annotation: Any) -> Any:
    """The card's part that a field holds, alone or in a tuple."""
    inner = getattr(annotation, "__args__", ())
    return next((one for one in (annotation, *inner) if hasattr(one, "model_fields")), None)
