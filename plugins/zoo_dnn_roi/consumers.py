"""Wire-Cell: what ``DNNROIFinding`` expects of a TorchScript file, and the settings beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.api import Codec, ConsumerContract
from zoo_dnn_roi.codec import RoiCodec

__all__ = ["WireCell"]

_TAGS = {
    "loose_lf": "loose_lf%d",
    "mp2": "mp2_roi%d",
    "mp3": "mp3_roi%d",
    "tight_lf": "tight_lf%d",
    "decon_charge": "decon_charge%d",
    "gauss": "gauss%d",
}

_SNIPPET = """\
// Regions of interest by {model}. Made with its file: do not edit one without the other.
// One node for a plane (0: U, 1: V) of an anode; W passes through as usual.
local wc = import 'wirecell.jsonnet';
local pg = import 'pgraph.jsonnet';

function(anode, plane, model='{file}', device='cpu', nticks=6000)
  local apa = anode.data.ident;
  local name = 'dnnsp%d%s' % [apa, ['u', 'v'][plane]];
  local service = {{
    type: 'TorchService',
    name: 'zoo-{digest}',
    data: {{ model: model, device: device, concurrency: 1 }},
  }};
  pg.pnode({{
    type: 'DNNROIFinding',
    name: name,
    data: {{
      anode: wc.tn(anode),
      plane: plane,
      intags: [tag % apa for tag in {tags}],
      decon_charge_tag: 'decon_charge%d' % apa,
      outtag: name,
      input_scale: 1.0 / {scale},
      input_offset: 0.0,
      output_scale: 1.0,
      output_offset: 0.0,
      mask_thresh: {threshold},
      nticks: nticks,
      tick_per_slice: {rebin},
      nchunks: 1,
      save_negative_charge: false,
      forward: wc.tn(service),
    }},
  }}, nin=1, nout=1, uses=[service, anode])
"""


def _tick_ns(codec: RoiCodec) -> float:
    """That of the data the weights are from; ProtoDUNE-HD's where they do not tell."""
    return float(codec.facts.get("geometry", {}).get("tick_ns", 500.0))


class WireCell(ConsumerContract):
    """float32 (1, tags, W, T) in; float32 (1, 1, W, T) out, contiguous, a probability.

    From ``DNNROIFinding.cxx`` of the toolkit: it copies W * T floats from ``output[0][0]``, so
    another type, stride or channel count is garbage without a message.
    """

    def check(self, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> list[str]:
        """Violations for one point of the grid, each a sentence."""
        found = []
        if len(inputs) != 1 or len(outputs) != 1:
            return [f"{len(inputs)} inputs and {len(outputs)} outputs instead of one and one"]
        ((_, image),), ((_, output),) = inputs.items(), outputs.items()
        if image.dtype != np.float32 or image.ndim != 4:
            found.append(f"the input is {image.dtype} {image.shape}, not float32 with 4 axes")
        expected = (image.shape[0], 1, *image.shape[2:])
        if output.shape != expected:
            found.append(f"the output is {output.shape} instead of {expected}")
        if output.dtype != np.float32:
            found.append(f"the output is {output.dtype} instead of float32")
        if not output.flags.c_contiguous:
            found.append("the output is not contiguous in memory")
        if not ((output >= 0) & (output <= 1)).all():
            found.append("the output is no probability: it leaves [0, 1]")
        return found

    def files(self, name: str, info: Mapping[str, Any], codec: Codec) -> Mapping[str, str]:
        """``NAME.wirecell.json`` with all settings, ``NAME.jsonnet`` that applies them.

        Args:
            name: Stem of the exported file.
            info: ``model``, ``file`` and ``sha256`` are used.
            codec: A :class:`~zoo_dnn_roi.codec.RoiCodec`.

        Raises:
            TypeError: If it is another codec, which has no such settings.
        """
        if not isinstance(codec, RoiCodec):
            raise TypeError(f"a RoiCodec is needed, not {type(codec).__name__}")
        config = codec.config
        tags = [_TAGS[name] for name in config.inputs]
        sidecar = {
            "model": info["model"],
            "file": info["file"],
            "sha256": info["sha256"],
            "intags": tags,
            "decon_charge_tag": "decon_charge%d",
            "tick_per_slice": config.rebin,
            "input_scale": 1 / config.scale,
            "input_offset": 0.0,
            "output_scale": 1.0,
            "output_offset": 0.0,
            "mask_thresh": codec.threshold,
            "input": "float32 (1, tags, wires, ticks / tick_per_slice), mean over a slice",
            "output": "float32 (1, 1, wires, ticks / tick_per_slice), probability",
            "units": {"waveform": "e-/tick", "tick": f"{_tick_ns(codec):g} ns"},
        }
        snippet = _SNIPPET.format(
            model=info["model"],
            file=info["file"],
            digest=info["sha256"][:12],
            tags=json.dumps(tags).replace('"', "'"),
            scale=config.scale,
            threshold=codec.threshold,
            rebin=config.rebin,
        )
        return {
            f"{name}.wirecell.json": json.dumps(sidecar, indent=2) + "\n",
            f"{name}.jsonnet": snippet,
        }
