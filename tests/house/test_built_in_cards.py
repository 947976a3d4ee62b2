"""Cards of the built-in plugins: every task has some, files are small, commands can be given."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest

from zoo.cli.data import data_section
from zoo.config.layers import recipe_layer, resolve, set_layer
from zoo.contract.refs import resolve as resolve_reference
from zoo.prediction.sources import source_options
from zoo.registry import registry
from zoo.weights import WeightsCard, bad_cards, cards

FILE, TOGETHER = 16_000_000, 30_000_000
"""Bytes of one file, and of all."""

BUILT_IN = ("calo", "dnn-roi", "ha-tpc", "optics", "sparse-semantic", "sparse-group")
CARDS = {card.ref: card for card in cards() if card.task in BUILT_IN}


def commands(card: WeightsCard) -> Iterator[list[str]]:
    """The words of each command, without ``zoo``."""
    for command in card.training.command.split(" && "):
        program, *words = shlex.split(command)
        assert program == "zoo"
        yield words


def option(words: Sequence[str], name: str) -> list[str]:
    return [after for word, after in pairwise(words) if word == name]


def test_every_task_has_a_card_and_none_is_wrong() -> None:
    assert {card.task for card in CARDS.values()} == set(BUILT_IN)
    assert not bad_cards()


def test_files_are_small() -> None:
    sizes = [card.file.size for card in CARDS.values() if card.file.size is not None]
    assert max(sizes) <= FILE
    assert sum(sizes) <= TOGETHER


@pytest.mark.parametrize("ref", CARDS)
def test_its_commands_name_what_there_is(ref: str) -> None:
    card = CARDS[ref]
    said = list(commands(card))
    assert said[-1][0] in ("train", "weights")
    for words in said:
        data, sets = option(words, "--data")[0], option(words, "--set")
        match words:
            case ["data", "simulate", task, *_]:
                assert source_options(task, data_section(data, sets))
            case ["train", id_, *_]:
                assert id_ == card.id
                task, model = registry().model(id_)
                recipes = [recipe_layer(task.recipes, name) for name in option(words, "--recipe")]
                resolve(resolve_reference(model.config), [*recipes, set_layer(sets)])
            case ["data", "convert", task, *_]:
                assert data in registry().task(task).sources
            case ["weights", "convert", *_]:
                assert option(words, "--as") == [card.id]
                assert data.partition(":")[0] in registry().task(card.task).sources
            case _:
                pytest.fail(" ".join(words))
