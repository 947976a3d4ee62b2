"""Settings told one by one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from zoo.config.base import Config
from zoo.config.describe import Setting, settings


class Head(Config):
    depth: Annotated[int, Field(ge=1, lt=9)] = 3
    """How deep."""


class Toy(Config):
    kind: Literal["a", "b"] = "a"
    size: int
    cut: Annotated[float, Field(gt=0)] | None = None
    sizes: tuple[Annotated[int, Field(ge=1)], ...] = (1, 2)
    head: Head = Head(depth=5)


def test_types_in_words_values_and_meaning() -> None:
    found = {item.path: item for item in settings(Toy, prefix="model.")}
    assert list(found) == [
        "model.kind",
        "model.size",
        "model.cut",
        "model.sizes",
        "model.head.depth",
    ]
    assert found["model.head.depth"] == Setting(
        path="model.head.depth", type="int >= 1 < 9", value=5, required=False, meaning="How deep."
    )
    assert found["model.kind"].type == "a | b"
    assert found["model.cut"].type == "float > 0 or none"
    assert found["model.sizes"].type == "tuple[int >= 1, ...]"
    assert found["model.sizes"].value == [1, 2]
    assert found["model.size"].required


class Tree(Config):
    depth: int = 1
    crop: Head | None = None
    child: Tree | None = None


def test_an_absent_section_is_told_and_a_recursive_one_ends() -> None:
    found = {item.path: item.value for item in settings(Tree)}
    assert found == {"depth": 1, "crop": None, "crop.depth": 3, "child": None}
    inner = Tree(child=Tree(depth=4), crop=Head(depth=2))
    found = {item.path: item.value for item in settings(Tree, inner)}
    assert (found["depth"], found["crop.depth"], found["child.depth"]) == (1, 2, 4)


def test_values_of_a_configuration() -> None:
    found = {item.path: item.value for item in settings(Toy, Toy(size=4, head=Head(depth=2)))}
    assert found == {"kind": "a", "size": 4, "cut": None, "sizes": [1, 2], "head.depth": 2}
