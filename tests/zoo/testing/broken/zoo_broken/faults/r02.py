"""A setting that nobody explains; settings that swallow a misspelt key."""

from __future__ import annotations

from pydantic import ConfigDict

from zoo.api import Config


class NetConfig(Config):
    """A small network."""

    width: int = 4


class LooseConfig(Config):
    """A small network."""

    model_config = ConfigDict(extra="ignore")

    width: int = 4
    """Channels."""
