"""Layers: their order, where values came from, what a wrong one is told."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from zoo.config.base import Config
from zoo.config.layers import (
    Layer,
    Resolved,
    environment_layer,
    file_layer,
    recipe_layer,
    resolve,
    set_layer,
    validate,
)
from zoo.errors import ConfigError


class Siren(Config):
    kind: Literal["siren"] = "siren"
    omega: float = 30.0


class Mlp(Config):
    kind: Literal["mlp"] = "mlp"
    depth: Annotated[int, Field(ge=1)] = 3
    width: int = 16


class Toy(Config):
    channels: tuple[int, ...] = (8, 16, 32)
    dropout: float | None = None
    name: str = "toy"
    trunk: Annotated[Siren | Mlp, Field(discriminator="kind")] = Siren(omega=50)
    head: Mlp = Mlp(depth=5)
    stack: tuple[Mlp, ...] = (Mlp(), Mlp(width=4))


class Demanding(Config):
    size: int
    head: Mlp = Mlp(depth=5)


def resolved(*layers: Layer, config_class: type[Config] = Toy) -> Resolved:
    return resolve(config_class, layers)


def refused(*layers: Layer, config_class: type[Config] = Toy) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        resolve(config_class, layers)
    return caught.value


def test_later_layers_win_and_every_value_knows_its_origin(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[training]\nbatch = 3\nseed = 3\nworkers = 3\n")
    found = resolved(
        Layer("recipe paper", {"training": {"batch": 2, "seed": 2, "workers": 2, "log_every": 2}}),
        file_layer(file),
        environment_layer({"ZOO_SET__training__seed": "4", "ZOO_SET__training__workers": "4"}),
        set_layer(["training.workers=5"]),
    )
    training = found.config.training
    assert (training.log_every, training.batch, training.seed, training.workers) == (2, 3, 4, 5)
    names = {key: found.provenance[f"training.{key}"] for key in ("log_every", "batch", "seed")}
    assert names == {"log_every": "recipe paper", "batch": "file mine.toml", "seed": "environment"}
    assert found.provenance["training.workers"] == "--set"
    assert found.provenance["training.precision"] == "default"
    assert found.provenance["model.name"] == "default"


def test_every_leaf_has_a_provenance() -> None:
    found = resolved(set_layer(["optimizers.critic.lr=0.5", "data.options.a.b=1"]))
    assert found.provenance["optimizers.critic.lr"] == "--set"
    assert found.provenance["optimizers.critic.schedule.kind"] == "default"
    assert found.provenance["data.options.a.b"] == "--set"
    assert found.provenance["model.stack.1.width"] == "default"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", 0.1),
        ("1e-3", 1e-3),
        ("0x10", 16),
        ("1_000", 1000),
        ("true", True),
        ("[1, 2]", [1, 2]),
        ("{a = 1}", {"a": 1}),
        ("'quoted'", "quoted"),
        ("muons.h5", "muons.h5"),
        ("a=b", "a=b"),
        ("[1, 2", "[1, 2"),
        ("", ""),
        (" spaced ", "spaced"),
        ("1\nb = 2", "1\nb = 2"),
    ],
)
def test_value_grammar_is_toml_or_a_string(text: str, value: object) -> None:
    layer = set_layer([f"data.options.x={text}"])
    assert layer.values == {"data": {"options": {"x": value}}}


@given(st.text())
def test_any_text_is_a_value_or_a_config_error(text: str) -> None:
    try:
        layer = set_layer([text])
    except ConfigError:
        return
    assert list(layer.values) == [text.partition("=")[0].strip().partition(".")[0]]


@pytest.mark.parametrize("assignment", ["training.batch", "=3", "training..batch=3", ".a=3"])
def test_no_assignment(assignment: str) -> None:
    with pytest.raises(ConfigError, match="is no assignment"):
        set_layer([assignment])


def test_contradiction_within_a_layer() -> None:
    with pytest.raises(ConfigError, match="'head' was given a value before"):
        set_layer(["model.head=3", "model.head.depth=2"])


def test_single_elements_of_lists() -> None:
    found = resolved(
        Layer("recipe r", {"model": {"stack": [{"depth": 2}, {"depth": 3}]}}),
        set_layer(["model.channels.1=99", "model.stack.1.depth=7", "model.stack.2.width=1"]),
    )
    model = found.config.model
    assert isinstance(model, Toy)
    assert model.channels == (8, 99, 32)
    assert [(part.depth, part.width) for part in model.stack] == [(2, 16), (7, 16), (3, 1)]
    assert found.provenance["model.stack.0.depth"] == "recipe r"
    assert found.provenance["model.stack.1.depth"] == "--set"
    assert found.provenance["model.channels"] == "--set"


def test_an_element_beyond_the_list() -> None:
    error = refused(set_layer(["model.channels.5=1"]))
    assert error.where == "model.channels.5 (from --set)"
    assert error.message == "the list has 3 elements"


def test_a_part_of_a_default_section_keeps_the_rest_of_the_default() -> None:
    """The default is Mlp(depth=5), not the class's own depth=3."""
    model = resolved(set_layer(["model.head.width=2", "model.trunk.omega=7"])).config.model
    assert isinstance(model, Toy)
    assert model.head == Mlp(depth=5, width=2)
    assert model.trunk == Siren(omega=7)
    sized = resolved(
        set_layer(["model.size=1", "model.head.width=2"]), config_class=Demanding
    ).config.model
    assert isinstance(sized, Demanding)
    assert sized.head == Mlp(depth=5, width=2)


def test_optimizers_that_a_recipe_names_replace_the_default_one() -> None:
    recipe = Layer("recipe gan", {"optimizers": {"generator": {"lr": 1e-4}, "critic": {}}})
    assert set(resolved(recipe).config.optimizers) == {"generator", "critic"}


def test_another_kind_retracts_what_earlier_layers_set_for_the_old_one() -> None:
    recipe = Layer(
        "recipe r",
        {
            "model": {"trunk": {"kind": "siren", "omega": 3}},
            "optimizers": {"net": {"kind": "adam", "betas": [0.5, 0.9], "lr": 0.1}},
            "training": {"epochs": 3},
        },
    )
    change = ["model.trunk.kind=mlp", "optimizers.net.kind=sgd", "training.steps=9"]
    found = resolved(recipe, set_layer(change))
    assert found.config.model == Toy(trunk=Mlp())
    assert found.config.optimizers["net"].kind == "sgd"
    assert found.config.optimizers["net"].lr == 0.1
    assert (found.config.training.steps, found.config.training.epochs) == (9, None)
    assert found.provenance["optimizers.net.betas"] == "default"


def test_another_kind_does_not_hide_a_slip() -> None:
    early = environment_layer(
        {"ZOO_SET__model__trunk__omgea": "3", "ZOO_SET__optimizers__net__lrr": "3"}
    )
    error = refused(early, set_layer(["model.trunk.kind=mlp", "optimizers.net.kind=sgd"]))
    assert "model.trunk.omgea (from environment)" in error.message
    assert "optimizers.net.lrr (from environment)" in error.message


def test_within_one_layer_they_contradict() -> None:
    error = refused(set_layer(["model.trunk.kind=mlp", "model.trunk.omega=3"]))
    assert error.where == "model.trunk.omega (from --set)"
    error = refused(set_layer(["training.steps=1", "training.epochs=1"]))
    assert error.message == "set exactly one of epochs and steps"


@pytest.mark.parametrize(
    ("assignment", "where", "message", "remedy"),
    [
        ("modle.name=x", "modle", "there is no such setting", "did you mean 'model'?"),
        ("training.bathc=3", "training.bathc", "there is no such", "did you mean 'batch'?"),
        ("model.trunk.omgea=3", "model.trunk.omgea", "there is no such", "did you mean 'omega'?"),
        ("model.stack.0.dept=1", "model.stack.0.dept", "there is no such", "did you mean 'depth'?"),
        (
            "optimizers.net.schedule.warmpu=1",
            "optimizers.net.schedule.warmpu",
            "there is no such",
            "did you mean 'warmup'?",
        ),
        ("data.upstream.pth=x", "data.upstream.pth", "there is no such", "did you mean 'path'?"),
        (
            "training.batch=x",
            "training.batch",
            "got 'x', expected a valid integer",
            "set it to a valid integer",
        ),
        (
            "training.batch=0",
            "training.batch",
            "got 0, expected a value greater than",
            "set it to a value greater than or equal to 1",
        ),
        (
            "training.accumulate=x",
            "training.accumulate",
            "got 'x', expected a valid integer or 'epoch'",
            "set it to a valid integer or 'epoch'",
        ),
        (
            "training=3",
            "training",
            "got 3, expected a table of settings",
            "set it to a table of settings",
        ),
        ("model.trunk.kind=mpl", "model.trunk", "expected tags: 'siren', 'mlp'", "change it"),
        (
            "model.stack.0.depth=0",
            "model.stack.0.depth",
            "got 0, expected a value",
            "set it to a value greater than or equal to 1",
        ),
        (
            "optimizers.net.momentum=0.9",
            "optimizers.net",
            "adamw does not use momentum",
            "change one of kind, momentum",
        ),
    ],
)
def test_errors_name_path_value_and_remedy(
    assignment: str, where: str, message: str, remedy: str
) -> None:
    error = refused(set_layer([assignment]))
    assert error.where == f"{where} (from --set)"
    assert message in error.message
    assert error.remedy == remedy
    assert error.exit_code == 2


def test_a_union_member_is_suggested_only_its_own_settings() -> None:
    error = refused(Layer("f", {"model": {"trunk": {"kind": "mlp", "omeg": 1}}}))
    assert error.remedy == "known: depth, kind, width"


def test_all_findings_are_told_each_with_its_layer() -> None:
    error = refused(
        environment_layer({"ZOO_SET__model__naem": "1"}), set_layer(["training.batch=x"])
    )
    assert "2 settings are not accepted" in error.message
    assert "model.naem (from environment): there is no such setting" in error.message
    assert "did you mean 'name'?" in error.message
    assert "training.batch (from --set): got 'x'" in error.message


def test_a_missing_setting_is_named() -> None:
    error = refused(config_class=Demanding)
    assert (error.where, error.message) == (
        "model.size",
        "this setting has no default and must be set",
    )


def test_recipes_are_resources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "somebodys_zoo"
    (package / "recipes").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "recipes" / "paper.toml").write_text("[training]\nbatch = 2\n")
    (package / "recipes" / "bad.toml").write_text("[training\n")
    monkeypatch.syspath_prepend(tmp_path)
    recipes = {
        name: f"somebodys_zoo:recipes/{file}.toml"
        for name, file in (("paper", "paper"), ("bad", "bad"), ("gone", "gone"))
    }
    assert recipe_layer(recipes, "paper") == Layer("recipe paper", {"training": {"batch": 2}})
    with pytest.raises(ConfigError, match="did you mean 'paper'"):
        recipe_layer(recipes, "papre")
    with pytest.raises(ConfigError, match="is no valid TOML"):
        recipe_layer(recipes, "bad")
    with pytest.raises(ConfigError, match="recipe 'gone' is missing"):
        recipe_layer(recipes, "gone")
    sys.modules.pop("somebodys_zoo", None)


def test_validate_puts_the_prefix_before_the_path() -> None:
    with pytest.raises(ConfigError) as caught:
        validate(Mlp, {"dept": 1}, "data.options")
    assert caught.value.where == "data.options.dept"
    assert caught.value.remedy == "did you mean 'depth'?"
    assert validate(Mlp, {"depth": 1}) == Mlp(depth=1)


def test_layers_are_not_changed_by_resolving() -> None:
    values: dict[str, Any] = {"model": {"stack": [{"depth": 2}], "head": {"depth": 2}}}
    layer = Layer("recipe r", values)
    resolved(layer, set_layer(["model.stack.0.depth=9", "model.head.depth=9"]))
    assert values == {"model": {"stack": [{"depth": 2}], "head": {"depth": 2}}}
