"""The links of this plugin as sources of its tasks: plain data."""

from __future__ import annotations

from collections.abc import Mapping

from zoo.api import SourceSpec

__all__ = ["CLUSTER_LINKS", "GROUP_LINKS"]

_HERE = "zoo_sparse_reco.chain"


def _link(name: str, upstream: str, summary: str) -> SourceSpec:
    return SourceSpec(
        kind="link",
        factory=f"{_HERE}.links:{name}Link",
        config=f"{_HERE}.links_config:{name}Config",
        summary=summary,
        upstream=upstream,
    )


CLUSTER_LINKS: Mapping[str, SourceSpec] = {
    "classes": _link("Classes", "sparse-semantic", "events with the classes and points of a model"),
}
"""Sources that the task ``sparse-cluster`` has beside those of all tasks."""

GROUP_LINKS: Mapping[str, SourceSpec] = {
    "fragments": _link("Fragments", "sparse-cluster", "events with the fragments of a model"),
    "particles": _link(
        "Particles", "sparse-group", "events with the groups of a model as particles"
    ),
}
"""Sources that the task ``sparse-group`` has beside those of all tasks."""
