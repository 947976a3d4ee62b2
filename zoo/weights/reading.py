"""From TOML to cards; what is wrong is told with file, key and remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from zoo.config.problems import clean_path, dotted, known_fields
from zoo.config.toml import parse_toml
from zoo.errors import ConfigError, WeightsError, suggestion
from zoo.weights.cards import Card, DataCard, Origin, WeightsCard

__all__ = ["MAX_CARD", "card_from", "parse_card"]

MAX_CARD = 2**20
"""Bytes; more is no card."""

_Problem: TypeAlias = tuple[str, str, str]
"""Key, what is wrong with it, what to do."""

_OF_A_FILE = (
    *("licences.weights", "training.environment", "training.config_digest", "training.device"),
    *("training.steps", "domain.trained_on", "known_failures"),
)
"""What a card must say of a file; where there is none, nobody may know it."""

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
    absent = _absent_of_a_file(values) if kind == "weights" else []
    try:
        card = _KINDS[kind].model_validate(values)
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems = [_problem(detail, _KINDS[kind], values) for detail in details]
        told = [key for key, _, _ in problems]
        absent = [one for one in absent if not one[0].startswith(tuple(told))]
        raise _wrong([*problems, *absent], origin) from error
    if absent:
        raise _wrong(absent, origin)
    card.found_at(origin)
    return card


def _absent_of_a_file(values: Mapping[str, Any]) -> list[_Problem]:
    """What a card does not say of its file; of weights without one nothing has to be said."""
    file = values.get("file")
    if isinstance(file, Mapping) and file.get("published") is False:
        return []
    return [
        _absent(WeightsCard, tuple(key.split(".")))
        for key in _OF_A_FILE
        if _value(values, key.split(".")) in (None, "")
    ]


def _value(values: Any, path: Sequence[str]) -> Any:
    for part in path:
        values = values.get(part) if isinstance(values, Mapping) else None
    return values


def _wrong(problems: Sequence[_Problem], origin: Origin) -> WeightsError:
    if len(problems) == 1:
        key, message, remedy = problems[0]
        return WeightsError(message, where=f"{origin}: {key}", remedy=remedy)
    listed = "".join(f"\n- {key}: {message}; {remedy}" for key, message, remedy in problems)
    return WeightsError(
        f"{len(problems)} keys are wrong:{listed}",
        where=f"{origin}: {', '.join(key for key, _, _ in problems)}",
        remedy="correct each of them",
    )


def _problem(detail: ErrorDetails, kind: type[BaseModel], values: Mapping[str, Any]) -> _Problem:
    absent = detail["type"] == "missing"
    path = clean_path(detail["loc"], values, missing=absent)
    if absent:
        return _absent(kind, path)
    key = dotted(path) or "the whole card"
    if detail["type"] == "extra_forbidden":
        known = known_fields(kind, values, path[:-1])
        return key, "a card has no such key", suggestion(str(path[-1]), known)
    message = detail["msg"].removeprefix("Value error, ")
    given = repr(detail["input"])
    if isinstance(detail["input"], Mapping | BaseModel) or len(given) > 120:
        return key, message, "correct it"
    return key, f"{message}; it is {given}", "correct it"


def _absent(kind: type[BaseModel], path: tuple[str | int, ...]) -> _Problem:
    meaning = _meaning(kind, path)
    remedy = f"add {path[-1]}: {meaning}" if meaning else f"add {path[-1]}"
    return dotted(path) or "the whole card", "it must be set", remedy


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
