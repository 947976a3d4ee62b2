"""Configuration as TOML, and as a JSON schema."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from zoo.config.base import Config
from zoo.config.run import run_config
from zoo.errors import ConfigError

__all__ = ["dump_toml", "leaves", "parse_toml", "read_toml", "schema"]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_HEADER = "# Every setting of this run. A comment tells where a value came from; none: default.\n"


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """Parse TOML.

    Raises:
        ConfigError: If it is malformed, with the line.
    """
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(
            f"is no valid TOML: {error}", where=where, remedy="correct this line; see toml.io"
        ) from error


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        ConfigError: If it cannot be read or is malformed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"cannot be read ({error})", where=str(path), remedy="check the path"
        ) from error
    return parse_toml(text, str(path))


def schema(model_config: type[Config]) -> dict[str, Any]:
    """JSON schema of the run configuration of a model with this config class."""
    return run_config(model_config).model_json_schema()


def dump_toml(config: BaseModel, provenance: Mapping[str, str]) -> str:
    """A configuration as TOML that loads back to an equal one.

    Args:
        config: What to write.
        provenance: Dotted path -> where the value came from; written as a comment.
    """
    return _HEADER + "\n".join(_lines(_table(config), (), provenance)).rstrip() + "\n"


def leaves(config: BaseModel) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Path and plain value of every setting; a list is one setting unless it holds tables."""
    yield from _leaves(config.model_dump(mode="json"), ())


def _leaves(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, index))
    else:
        yield path, value


def _table(config: BaseModel) -> dict[str, Any]:
    """Plain values; ``None`` is left out where it is the default and written ``none`` elsewhere."""
    plain = config.model_dump(mode="json")
    table: dict[str, Any] = {}
    for name, field in type(config).model_fields.items():
        value = getattr(config, name)
        if isinstance(value, BaseModel):
            table[name] = _table(value)
        elif isinstance(value, Mapping):
            table[name] = {
                key: _table(inner) if isinstance(inner, BaseModel) else plain[name][key]
                for key, inner in value.items()
            }
        elif value is not None:
            table[name] = plain[name]
        elif field.is_required() or field.get_default(call_default_factory=True) is not None:
            table[name] = "none"
    return table


def _lines(
    table: Mapping[str, Any], path: tuple[str, ...], provenance: Mapping[str, str]
) -> Iterator[str]:
    inner = {key: value for key, value in table.items() if isinstance(value, dict) and value}
    for key, value in table.items():
        if key not in inner:
            yield f"{_key(key)} = {_value(value)}{_comment((*path, key), provenance)}"
    for key, value in inner.items():
        yield ""
        yield f"[{'.'.join(map(_key, (*path, key)))}]"
        yield from _lines(value, (*path, key), provenance)


def _comment(path: tuple[str, ...], provenance: Mapping[str, str]) -> str:
    name = ".".join(path)
    within = {name} | {known for known in provenance if known.startswith(f"{name}.")}
    origins = [provenance[known] for known in sorted(within & provenance.keys())]
    told = [origin for origin in dict.fromkeys(origins) if origin != "default"]
    text = ", ".join(told)
    return f"  # {''.join(c if c.isprintable() else '?' for c in text)}" if told else ""


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _string(key)


def _string(text: str) -> str:
    """A JSON string is a TOML string, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if value is None:
        return '"none"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items())
        return f"{{{inner}}}"
    if isinstance(value, Sequence):
        return f"[{', '.join(map(_value, value))}]"
    return repr(value)
