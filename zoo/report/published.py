"""Values that others published, of other samples: shown beside ours, never compared with them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from pydantic import ValidationError

from zoo.config.base import Config
from zoo.config.toml import parse_toml
from zoo.errors import ConfigError, PluginError
from zoo.registry import registry

__all__ = ["PublishedValue", "published_values"]


class PublishedValue(Config):
    """One number of a publication."""

    model: str
    """What was measured, as its authors name it."""
    number: str
    """What the number is."""
    value: str
    """As published, with its unit; how it was read where it stands in no table."""
    sample: str
    """On what."""
    source: str
    """Where it stands."""


class _Published(Config):
    """The file."""

    value: tuple[PublishedValue, ...]
    """Its numbers, in the order in which they are shown."""


def published_values(task: str) -> Sequence[PublishedValue]:
    """The published values that a task knows.

    Args:
        task: Its name; of one that is not installed nothing is known.

    Raises:
        PluginError: If its file is missing or is not as it should be.
    """
    known = registry().tasks.get(task)
    where = "" if known is None else known.published
    if not where:
        return ()
    package, _, resource = where.partition(":")
    remedy = "reinstall the plugin; its file of published values is broken"
    try:
        text = files(package).joinpath(resource).read_text(encoding="utf-8")
        return _Published.model_validate(parse_toml(text, where)).value
    except (OSError, ImportError, ConfigError) as error:
        raise PluginError(f"cannot be read ({error})", where=where, remedy=remedy) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise PluginError(f"{place}: {first['msg']}", where=where, remedy=remedy) from error
