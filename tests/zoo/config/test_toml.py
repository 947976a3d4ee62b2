"""The resolved configuration as a file: readable, and it loads back to the same."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, JsonValue

from zoo.config.base import Config
from zoo.config.layers import Layer, file_layer, resolve, set_layer
from zoo.config.toml import dump_toml, read_toml, schema
from zoo.errors import ConfigError


class Part(Config):
    kind: Literal["part"] = "part"
    depth: int = 3
    cut: float | None = 0.5


class Toy(Config):
    name: str = "toy"
    limit: float = float("inf")
    dropout: float | None = None
    parts: tuple[Part, ...] = (Part(),)
    named: dict[str, Part] = Field(default_factory=dict)
    trunk: Annotated[Part, Field(description="A part.")] = Part()
    extra: dict[str, JsonValue] = Field(default_factory=dict)


def reloaded(text: str) -> Config:
    return resolve(Toy, [Layer("again", tomllib.loads(text))]).config


def test_comments_tell_the_origin_of_what_is_no_default() -> None:
    found = resolve(
        Toy,
        [Layer("recipe paper", {"training": {"batch": 4}}), set_layer(["optimizers.net.lr=0.5"])],
    )
    lines = dump_toml(found.config, found.provenance).splitlines()
    assert "batch = 4  # recipe paper" in lines
    assert "lr = 0.5  # --set" in lines
    assert "seed = 0" in lines
    assert "[optimizers.net.schedule]" in lines


def test_none_survives_where_it_is_not_the_default() -> None:
    found = resolve(Toy, [set_layer(["model.trunk.cut=none", "model.named.a.cut=none"])])
    text = dump_toml(found.config, found.provenance)
    assert 'cut = "none"  # --set' in text
    assert "dropout" not in text
    assert reloaded(text) == found.config


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(text, values, max_size=4), text, st.floats(allow_nan=False))
def test_any_value_loads_back(extra: dict[str, JsonValue], name: str, limit: float) -> None:
    model = {"extra": extra, "name": name, "limit": limit}
    found = resolve(Toy, [Layer("r", {"model": model})])
    assert reloaded(dump_toml(found.config, found.provenance)) == found.config


def test_a_file_name_cannot_break_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a\nb = 1.toml"
    path.write_text("[training]\nbatch = 2\n")
    found = resolve(Toy, [file_layer(path)])
    assert reloaded(dump_toml(found.config, found.provenance)) == found.config


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_toml(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("a = 1\nb = \n")
    with pytest.raises(ConfigError, match=r"bad\.toml: is no valid TOML: .*line 2"):
        read_toml(tmp_path / "bad.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_toml(tmp_path / "binary.toml")


def test_schema_is_json_and_knows_the_model() -> None:
    text = json.dumps(schema(Toy))
    assert '"dropout"' in text
    assert "Learning rate." in text
