"""The entry point."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.api import Model, SourceSpec, Task, hookimpl

_HERE = "zoo_silicon_tracks"


@hookimpl
def zoo_api() -> tuple[int, int]:
    """Version of the contract that this plugin was written for."""
    return (1, 0)


@hookimpl
def zoo_cards() -> Sequence[str]:
    """Cards of published weights."""
    return (f"{_HERE}:cards",)


@hookimpl
def zoo_tasks() -> Sequence[Task]:
    """Hits to tracks."""
    return (
        Task(
            name="silicon-tracks",
            summary="which hits of a silicon barrel belong to one charged particle",
            sample=f"{_HERE}.specs:SAMPLE",
            prediction=f"{_HERE}.specs:PREDICTION",
            models={
                "doublet-net": Model(
                    config=f"{_HERE}.config:DoubletNetConfig",
                    summary="messages between pairs of hits that share one",
                    cite="Ju et al., arXiv:2003.11603",
                    networks=f"{_HERE}.models:networks",
                ),
                "cellular-automaton": Model(
                    config=f"{_HERE}.config:AutomatonConfig",
                    summary="longest chains of pairs of hits with nearly equal curvature and slope",
                    cite="Glazov et al., Nucl. Instrum. Meth. A 329 (1993) 262",
                    predictor=f"{_HERE}.baselines:CellularAutomaton",
                    baseline=True,
                    needs=frozenset({"position", "layer"}),
                ),
                "true-pairs": Model(
                    config=f"{_HERE}.config:TruePairsConfig",
                    summary="tracks built of those pairs of hits that are true",
                    predictor=f"{_HERE}.baselines:TruePairs",
                    oracle=True,
                    needs=frozenset({"position", "layer", "particle"}),
                ),
            },
            sources={
                "helices": SourceSpec(
                    kind="simulator",
                    factory=f"{_HERE}.sources:Helices",
                    config=f"{_HERE}.config:HelicesConfig",
                    summary="scattered helices through eight layers, lost hits and noise",
                ),
            },
            codec=f"{_HERE}.codec:DoubletCodec",
            learner=f"{_HERE}.learner:DoubletLearner",
            metrics=f"{_HERE}.metrics:TrackMetrics",
            deploy=f"{_HERE}.deploy:DoubletDeploy",
            figures=f"{_HERE}.figures:TrackFigures",
            check=f"{_HERE}:check.toml",
            recipes={"quick": f"{_HERE}:recipes/quick.toml"},
        ),
    )
