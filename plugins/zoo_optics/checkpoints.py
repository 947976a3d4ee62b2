"""Parameter files of slar (https://github.com/CIDeR-ML/siren-lartpc) as ours.

``SirenVis.save_state`` writes a mapping with ``state_dict``, ``model_cfg``, ``xform_cfg`` and
``aabox_ranges``. The state dict has ``net.0.linear.weight`` and ``.bias``, likewise for every sine
layer, for the last one ``net.N.weight`` where it has no sine, and ``output_scale``, (sensors,).
Points come in units of half the box, -1 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Checkpoint, Conversion, UsageError, WeightsError
from zoo_optics.physics.detector import detector_of

__all__ = ["slar"]

_REFERENCE = "slar checkpoint"
_BUFFERS = ("middle", "extent", "sensor", "normal")
_TRANSFORM = {"vmax", "eps", "sin_out"}
_AGREE = 1e-3  # of the size of the box


def slar(checkpoint: Checkpoint, facts: Mapping[str, Any]) -> Conversion:
    """A ``SirenVis`` of points as ``optics/siren-slar``.

    The file does not tell where the sensors are: the facts do.

    Args:
        checkpoint: What ``SirenVis.save_state`` wrote.
        facts: Of the photon library that it was trained on.

    Raises:
        UsageError: If there are no facts.
        WeightsError: If a part of the file is missing, or is one that our network has not; if its
            box or number of sensors is not that of the facts.
    """
    if not facts:
        raise UsageError(
            "the file does not tell where the sensors are",
            where=_REFERENCE,
            remedy="name the library that it was trained on: --data photon-library:FILE.h5",
        )
    network = _section(_section(checkpoint.extras, "model_cfg"), "network")
    _refuse(_section(checkpoint.extras, "model_cfg").get("hardsigmoid", False), "hardsigmoid")
    layers, linear = _whole(network, "hidden_layers"), bool(network.get("outermost_linear", False))
    last = f"net.{layers + 1}" if linear else f"net.{layers + 1}.linear"
    _require_detector(checkpoint, last, facts)
    names = {f"net/stack.{layers + 1}.{kind}": f"{last}.{kind}" for kind in ("weight", "bias")}
    for number in range(layers + 1):
        for kind in ("weight", "bias"):
            linear_name = f"{number}.linear.{kind}"
            names[f"net/stack.{linear_name}"] = f"net.{linear_name}"
    first, hidden = (float(network.get(f"{which}_omega_0", 30.0)) for which in ("first", "hidden"))
    made = _first_layer(checkpoint, first / hidden) if first != hidden else {}
    return Conversion(
        names={
            **{ours: name for ours, name in names.items() if ours not in made},
            "net/output_scale": "output_scale",
        },
        made=made,
        dropped=frozenset(names[ours] for ours in made) | _old(checkpoint),
        config={
            "hidden": _whole(network, "hidden_features"),
            "layers": layers,
            "frequency": hidden,
            "last_sine": not linear,
            **_transform(checkpoint),
        },
        built=frozenset(f"net/{name}" for name in _BUFFERS),
        notes=("outside of its box slar answers with 0, this network does not",),
    )


def _transform(checkpoint: Checkpoint) -> dict[str, Any]:
    told = _section(checkpoint.extras, "xform_cfg")
    for name in sorted(told.keys() ^ _TRANSFORM):
        raise WeightsError(
            f"'{name}' is {'not known' if name in told else 'missing'}",
            where=f"{_REFERENCE}: xform_cfg",
            remedy=f"its transformation has {', '.join(sorted(_TRANSFORM))}",
        )
    return {
        "vmax": float(told["vmax"]),
        "eps": float(told["eps"]),
        "centred": bool(told["sin_out"]),
    }


def _first_layer(checkpoint: Checkpoint, factor: float) -> dict[str, NDArray[Any]]:
    """``sin(omega_1 (W x + b))`` as a layer of the frequency of all others."""
    return {
        f"net/stack.0.linear.{kind}": (
            checkpoint.tensor(f"net.0.linear.{kind}", dims).astype(np.float64) * factor
        )
        for kind, dims in (("weight", 2), ("bias", 1))
    }


def _old(checkpoint: Checkpoint) -> frozenset[str]:
    """``input_scale``, which early versions wrote and later ones throw away."""
    return frozenset({"input_scale"} & checkpoint.tensors.keys())


def _require_detector(checkpoint: Checkpoint, last: str, facts: Mapping[str, Any]) -> None:
    detector = detector_of(facts)
    inputs = checkpoint.tensor("net.0.linear.weight", 2).shape[1]
    if inputs != 3:
        _refuse(True, f"net.0 of {inputs} inputs, not of a point's 3")
    sensors = len(checkpoint.tensor(f"{last}.bias", 1))
    if sensors != len(detector.sensors):
        raise WeightsError(
            f"it answers for {sensors} sensors, the data have {len(detector.sensors)}",
            where=_REFERENCE,
            remedy="name the library that it was trained on with --data",
        )
    box = np.asarray(checkpoint.extras.get("aabox_ranges", ()), np.float64)
    volume = np.stack([detector.volume.low, detector.volume.high], 1)
    if box.shape != (3, 2) or np.any(np.abs(box - volume) > _AGREE * np.ptp(volume)):
        raise WeightsError(
            f"its box is {box.tolist()} cm, that of the data {volume.tolist()} cm",
            where=f"{_REFERENCE}: aabox_ranges",
            remedy="name the library that it was trained on with --data",
        )


def _section(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = told.get(name)
    if not isinstance(section, Mapping):
        raise WeightsError(
            f"it has no '{name}', which says what its numbers mean",
            where=_REFERENCE,
            remedy="give what SirenVis.save_state wrote, not a bare state dict",
        )
    return section


def _whole(network: Mapping[str, Any], name: str) -> int:
    """A whole number; branched networks have a list of them."""
    if not isinstance(network.get(name), int):
        raise WeightsError(
            f"its {name} is {network.get(name)!r}, not one number",
            where=f"{_REFERENCE}: model_cfg.network",
            remedy="branched networks are not converted; use their own program",
        )
    return int(network[name])


def _refuse(wanted: object, what: str) -> None:
    if wanted:
        raise WeightsError(
            f"its {what} is nothing that optics/siren-slar has",
            where=_REFERENCE,
            remedy="use slar itself for this one",
        )
