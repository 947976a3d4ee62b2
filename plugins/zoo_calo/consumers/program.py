"""The program that lies beside a file for DDML and makes showers with it."""

from __future__ import annotations

__all__ = ["PROGRAM"]

PROGRAM = '''\
"""Showers from the file beside this one, called as DDML calls it.

Needs numpy, and onnxruntime or torch.

    python THIS.py --energy 10 --showers 5
"""

import argparse
import json
import pathlib

import numpy

HERE = pathlib.Path(__file__)


def program(path, kind):
    """(latent, energy) -> flat float32."""
    if kind == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        names = [given.name for given in session.get_inputs()]
        return lambda *given: session.run(None, dict(zip(names, given)))[0].ravel()
    import torch

    module = torch.jit.load(str(path))
    return lambda *given: module(*map(torch.from_numpy, given)).numpy().ravel()


def main():
    parser = argparse.ArgumentParser(description="showers as DDML would make them")
    parser.add_argument("--energy", type=float, default=10.0, help="GeV")
    parser.add_argument("--showers", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    side = json.loads(HERE.with_suffix(".json").read_text())
    make = program(HERE.parent / side["file"], side["format"])
    latent_shape, energy_shape = (one["shape"] for one in side["input"])
    shape = [side["properties"][name] for name in ("NCellsZ", "NCellsX", "NCellsY")]
    weight = numpy.array(side["layer_weight"])
    rng = numpy.random.default_rng(chosen.seed)
    for number in range(chosen.showers):
        latent = rng.uniform(-1, 1, latent_shape).astype(numpy.float32)
        energy = numpy.full(energy_shape, chosen.energy, numpy.float32)
        layers = make(latent, energy).reshape(shape)
        sums = layers.sum((1, 2))
        depth = (sums * weight) @ numpy.arange(len(sums)) / max((sums * weight).sum(), 1e-9)
        hits = (layers >= side["threshold_mev"]).sum()
        print(f"shower {number}: {sums.sum():.3f} MeV, {hits} hits, centre at layer {depth:.2f}")


main()
'''
