"""Settings of older versions are read as those of today, and it is said."""

from __future__ import annotations

import warnings
from typing import ClassVar

import pytest

from zoo.config.base import Config
from zoo.config.layers import Layer, resolve, validate_stored
from zoo.config.migration import Migration, migrated
from zoo.deprecation import ChangeNotice
from zoo.errors import ConfigError, PluginError


class Head(Config):
    """A section."""

    width: int = 4
    """Channels."""


class NetConfig(Config):
    """A config in its third version."""

    migrations: ClassVar[tuple[Migration, ...]] = (
        Migration(since="2.0", moved={"size": "width"}),
        Migration(
            since="3.0",
            moved={"width": "head.width", "keep_percent": "keep"},
            converted={"keep_percent": lambda percent: percent / 100},
            removed={"mode": "fast"},
            added={"activation": "sine"},
        ),
    )
    head: Head = Head()
    """The head."""
    keep: float = 0.9
    """A share."""
    activation: str = "relu"
    """What follows a layer."""


def test_a_whole_config_of_the_first_version() -> None:
    old = {"size": 8, "keep_percent": 75, "mode": "fast"}
    with pytest.warns(ChangeNotice) as told:
        config = validate_stored(NetConfig, old, "runs/a/model.safetensors")
    assert config == NetConfig(head=Head(width=8), keep=0.75, activation="sine")
    assert old == {"size": 8, "keep_percent": 75, "mode": "fast"}
    assert str(told[0].message) == (
        "runs/a/model.safetensors: written for an older version; size is width = 8 since 2.0; "
        "width is head.width = 8 since 3.0; keep_percent is keep = 0.75 since 3.0; "
        "mode is gone since 3.0; activation = 'sine', as before 3.0"
    )


def test_a_config_of_today_is_left_alone() -> None:
    today = NetConfig(keep=0.5).model_dump(mode="json")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert validate_stored(NetConfig, today, "x") == NetConfig(keep=0.5)
    assert migrated(NetConfig, today, whole=True) == (today, [])


def test_files_of_users_may_have_old_names_and_keep_the_defaults_of_today() -> None:
    layers = [Layer("file mine.toml", {"model": {"size": 8}, "training": {"batch": 4}})]
    with pytest.warns(ChangeNotice, match=r"file mine\.toml.*size is width"):
        resolved = resolve(NetConfig, layers)
    assert resolved.config.model == NetConfig(head=Head(width=8))
    assert resolved.provenance["model.head.width"] == "file mine.toml"


@pytest.mark.parametrize(
    ("values", "where", "message"),
    [
        ({"size": 1, "width": 2}, "size", "renamed to 'width', which is set too"),
        ({"mode": "slow"}, "mode", "removed in version 3.0, and with it what 'slow' did"),
        ({"keep_percent": "all"}, "keep_percent", "'all' cannot be converted"),
    ],
)
def test_what_has_no_successor_is_refused(
    values: dict[str, object], where: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        migrated(NetConfig, values, whole=True)
    assert caught.value.where == where
    assert caught.value.remedy


def test_a_section_that_was_emptied_goes() -> None:
    class Flat(Config):
        migrations: ClassVar[tuple[Migration, ...]] = (
            Migration(since="2", moved={"head.width": "width"}),
        )
        width: int = 1
        """Channels."""

    assert migrated(Flat, {"head": {"width": 3}}, whole=True)[0] == {"width": 3}


def test_authors_are_told_their_mistakes() -> None:
    with pytest.raises(PluginError, match="converted only where its key moves"):
        Migration(since="2", converted={"keep": float})

    class Back(Config):
        migrations: ClassVar[tuple[Migration, ...]] = (
            Migration(since="2", moved={"width": "size"}),
        )
        width: int = 1
        """Came back."""

    with pytest.raises(PluginError, match="says that it went"):
        migrated(Back, {}, whole=True)
