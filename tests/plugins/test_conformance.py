"""The built-in plugins keep the contract: what is cheap of it. ``zoo check NAME`` looks at all."""

from __future__ import annotations

from zoo.testing import conformance

test_plugins_and_tasks = conformance(
    *("calo", "dnn-roi", "ha-tpc", "optics", "sparse-reco"),
    rules=("R01", "R02", "R11", "R12", "R14", "R15", "R16", "R17"),
)

test_a_small_network_of_each = conformance(
    *("calo/wgan-lite", "dnn-roi/lite-unet", "ha-tpc/cluster-net"),
    *("optics/siren-vector", "sparse-semantic/uresnet"),
    *("sparse-cluster/spice", "sparse-group/grappa-shower"),
    rules=("R04", "R05", "R06", "R07", "R13"),
)
