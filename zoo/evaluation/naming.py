"""What a user names: ``ID``, or ``NAME=ID,ID,...`` for several trainings as one row."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from zoo.contract.predictor import Predictor
from zoo.errors import UsageError

__all__ = ["Named", "Reference", "by_name", "parse_named"]

Reference: TypeAlias = str | Path | Predictor
Named: TypeAlias = Mapping[str, tuple[Reference, ...]]

_NAMED = re.compile(r"(?P<name>[\w.+-]+)=(?P<refs>.+)")


def by_name(
    models: Reference | Sequence[Reference] | Mapping[str, Reference | Sequence[Reference]],
) -> Named:
    """Row name -> the trainings behind it.

    Args:
        models: References, or references by name; a text may be ``NAME=ID,ID``.

    Raises:
        UsageError: If a name is used twice, or there is none.
    """
    if isinstance(models, Mapping):
        named = {name: _several(refs) for name, refs in models.items()}
    else:
        named = {}
        for model in _several(models):
            name, refs = _row(model)
            if name in named:
                raise UsageError("named twice", where=name, remedy="name every model once")
            named[name] = refs
    if not named:
        raise UsageError("no model to evaluate", remedy="name at least one id or run")
    for name, refs in named.items():
        texts = [str(ref) for ref in refs if isinstance(ref, str | Path)]
        if not refs or len(set(texts)) < len(texts):
            raise UsageError(
                "trainings are missing or named twice", where=name, remedy="name each once"
            )
    return named


def parse_named(text: str) -> tuple[str, tuple[str, ...]]:
    """``NAME=ID,ID`` as name and ids; any other text, or an existing path, names itself."""
    found = _NAMED.fullmatch(text)
    if found is None or Path(text).exists():
        return text, (text,)
    return found["name"], tuple(ref for ref in found["refs"].split(",") if ref)


def _row(model: Reference) -> tuple[str, tuple[Reference, ...]]:
    return parse_named(model) if isinstance(model, str) else (_name(model), (model,))


def _several(refs: Reference | Sequence[Reference]) -> tuple[Reference, ...]:
    if isinstance(refs, Sequence) and not isinstance(refs, str):
        return tuple(refs)
    return (refs,)


def _name(model: Reference) -> str:
    return str(model) if isinstance(model, str | Path) else _own_name(model)


def _own_name(model: Predictor) -> str:
    return str(getattr(model, "model", type(model).__name__))
