"""Names of trainings, as ``ResNet50_b64l01p3e30h10_momy-momz``, to settings.

Such a name tells the network, then a letter and a number each, then the targets: ``b`` the batch,
``l`` the digits of the learning rate behind the point (``l01`` is 0.01), ``p`` the patience of the
plateau in epochs, ``e`` the epochs. What ``h`` counts is told nowhere: it is read, shown, and
changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tomli_w

from zoo.api import UsageError

__all__ = ["MODELS", "TARGETS", "RunName", "parse_run_name"]

MODELS: Mapping[str, str] = {
    **{f"resnet{layers}": f"resnet{layers}" for layers in (18, 34, 50, 101, 152)},
    **{name: name for name in ("googlenet", "vit", "convnext")},
    "clusternet": "cluster-net",
}
"""Network in a name, in small letters, to the model."""

TARGETS: Mapping[str, str] = {
    "momt": "p_t",
    "momy": "p_y",
    "momz": "p_z",
    "qpt": "q_over_pt",
    "yini": "y_ini",
    "zini": "z_ini",
    "phi": "phi",
    "sinphi": "sin_phi",
}
"""Target in a name to the quantity."""

_FORM = "NETWORK_bNlNpNeN_TARGET-TARGET, as ResNet50_b64l01p3e30h10_momy-momz"
_LETTERS = re.compile(r"([a-z])(\d+)")


@dataclass(frozen=True, kw_only=True)
class RunName:
    """What a name tells.

    Attributes:
        model: Name of the model in the task.
        targets: Quantities, in the order of the name.
        batch: Samples of a batch.
        lr: Learning rate.
        patience: Epochs without improvement before the rate drops; ``None``: it does not.
        epochs: How many.
        unknown: Letters without a known meaning, and their numbers.
    """

    model: str
    targets: tuple[str, ...]
    batch: int
    lr: float
    patience: int | None
    epochs: int
    unknown: Mapping[str, int]

    def config(self) -> dict[str, Any]:
        """The settings, beside those of the recipe ``paper``: squared error, SGD, 70/15/15."""
        optimizer: dict[str, Any] = {"kind": "sgd", "lr": self.lr}
        if self.patience is not None:
            optimizer["schedule"] = {"kind": "plateau", "patience": self.patience}
        return {
            "model": {"targets": list(self.targets), "loss": "mse"},
            "data": {"validation": 0.15, "test": 0.15},
            "optimizers": {"net": optimizer},
            "training": {"batch": self.batch, "epochs": self.epochs},
        }

    def toml(self, name: str) -> str:
        """The settings as a file for ``--config``."""
        lines = [f"# {name}: zoo train ha-tpc/{self.model} --config THIS_FILE"]
        for letter, number in self.unknown.items():
            lines.append(f"# {letter}{number}: its meaning is not known, so it changes nothing")
        return "\n".join(lines) + "\n" + tomli_w.dumps(self.config())


def parse_run_name(name: str) -> RunName:
    """What a name tells; a letter that is left out has the value of the recipe ``paper``.

    Raises:
        UsageError: If it is no such name.
    """
    parts = name.split("_")
    if len(parts) != 3:
        raise UsageError("no name of a training", where=name, remedy=f"write {_FORM}")
    model = MODELS.get(parts[0].lower())
    if model is None:
        known = ", ".join(MODELS)
        raise UsageError(f"no network '{parts[0]}'", where=name, remedy=f"known are {known}")
    found = _numbers(parts[1], name)
    digits = found.pop("l", "01")
    numbers = {letter: int(number) for letter, number in found.items()}
    batch, epochs = numbers.pop("b", 64), numbers.pop("e", 30)
    lr = float(f"0.{digits}")
    if not (batch and epochs and lr):
        raise UsageError(
            "batch, epochs and learning rate must be positive", where=name, remedy=f"write {_FORM}"
        )
    return RunName(
        model=model,
        targets=_targets(parts[2], name),
        batch=batch,
        lr=lr,
        patience=numbers.pop("p", None),
        epochs=epochs,
        unknown={"h": numbers["h"]} if "h" in numbers else {},
    )


def _numbers(text: str, name: str) -> dict[str, str]:
    """Letter to digits."""
    pairs = _LETTERS.findall(text)
    letters = [letter for letter, _ in pairs]
    complete = "".join(letter + digits for letter, digits in pairs) == text
    if not complete or not set(letters) <= set("blpeh") or len(set(letters)) != len(letters):
        raise UsageError(
            f"'{text}' is not of the letters b, l, p, e and h, each once with its number",
            where=name,
            remedy=f"write {_FORM}",
        )
    return dict(pairs)


def _targets(text: str, name: str) -> tuple[str, ...]:
    words = text.split("-")
    for word in words:
        if word.lower() not in TARGETS:
            known = ", ".join(TARGETS)
            raise UsageError(f"no target '{word}'", where=name, remedy=f"known are {known}")
    found = tuple(TARGETS[word.lower()] for word in words)
    if len(set(found)) != len(found):
        raise UsageError("a target stands twice", where=name, remedy="name each once")
    return found
