"""The entry point of the task ``optics``: plain data, neither torch nor numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zoo.api import Model, Ref, SourceSpec, Task, hookimpl

_HERE = "zoo_optics"
_SIREN = "Sitzmann et al., arXiv:2006.09661"
_SLAR = "https://github.com/CIDeR-ML/siren-lartpc"
_OPTICAL_SIREN = f"Lei et al., arXiv:2211.01505; {_SIREN}"


@hookimpl
def zoo_api() -> tuple[int, int]:
    """The contract this plugin was written for."""
    return (1, 1)


@hookimpl
def zoo_tasks() -> Sequence[Task]:
    """``optics``."""
    return (
        Task(
            name="optics",
            summary="the light that each sensor sees of a point",
            sample=f"{_HERE}.specs:SAMPLE",
            prediction=f"{_HERE}.specs:PREDICTION",
            models={**_networks(), **_classical()},
            sources=_sources(),
            codec=f"{_HERE}.codec:OpticsCodec",
            learner=f"{_HERE}.learner:OpticsLearner",
            metrics=f"{_HERE}.metrics:OpticsMetrics",
            figures=f"{_HERE}.figures:OpticsFigures",
            deploy=f"{_HERE}.deploy:OpticsDeploy",
            select="explained deviance",
            recipes={
                name: f"{_HERE}:recipes/{name}.toml" for name in ("better", "talk-2", "talk-125")
            },
            check=f"{_HERE}:check.toml",
        ),
    )


@hookimpl
def zoo_cards() -> Sequence[str]:
    """Published weights."""
    return (f"{_HERE}:cards",)


@hookimpl
def zoo_commands() -> Mapping[str, Ref]:
    """``zoo optics fit-vertex``, ``fit-track``, ``match-flash``, ``calibrate``, ``gradients``."""
    return {"optics": f"{_HERE}.commands:app"}


def _networks() -> dict[str, Model]:
    return {
        "siren-pair": Model(
            config=f"{_HERE}.config:SirenPairConfig",
            summary="SIREN of (point, sensor): small, for any number of sensors",
            cite=_OPTICAL_SIREN,
            networks=f"{_HERE}.models.siren_pair:pair_networks",
        ),
        "siren-factor": Model(
            config=f"{_HERE}.config:SirenFactorConfig",
            summary="inner product of a SIREN of the point and one of the sensor: fast, for any "
            "number of sensors",
            cite=_SIREN,
            networks=f"{_HERE}.models.siren_factor:factor_networks",
        ),
        "siren-prior": Model(
            config=f"{_HERE}.config:SirenPriorConfig",
            summary="direct light in closed form times a learnt correction",
            cite=_SIREN,
            networks=f"{_HERE}.models.siren_pair:prior_networks",
        ),
        "siren-vector": Model(
            config=f"{_HERE}.config:SirenVectorConfig",
            summary="SIREN of the point, an output for each sensor: fast, for a fixed detector",
            cite=_OPTICAL_SIREN,
            networks=f"{_HERE}.models.vector:vector_networks",
        ),
        "siren-slar": Model(
            config=f"{_HERE}.config:SirenSlarConfig",
            summary="that SIREN as slar has it: its parameter files convert",
            cite=f"Lei et al., arXiv:2211.01505; {_SLAR}",
            networks=f"{_HERE}.models.slar:slar_networks",
            checkpoints={"slar": f"{_HERE}.checkpoints:slar"},
        ),
        "fourier": Model(
            config=f"{_HERE}.config:FourierConfig",
            summary="random Fourier features of the point and a plain network",
            cite="Tancik et al., arXiv:2006.10739",
            networks=f"{_HERE}.models.vector:fourier_networks",
        ),
        "hash-grid": Model(
            config=f"{_HERE}.config:HashGridConfig",
            summary="hash grid of the point and a small plain network",
            cite="Mueller et al., arXiv:2201.05989",
            networks=f"{_HERE}.models.hash_grid:hash_grid_networks",
        ),
    }


def _classical() -> dict[str, Model]:
    tabled = frozenset({"position", "photons"})
    return {
        "lut": Model(
            config=f"{_HERE}.config:LutConfig",
            summary="table of voxels, linearly between their middles",
            predictor=f"{_HERE}.baselines:TrilinearLut",
            baseline=True,
            needs=tabled,
        ),
        "lut-nearest": Model(
            config=f"{_HERE}.config:LutConfig",
            summary="table of voxels, the value of the one that holds the point",
            predictor=f"{_HERE}.baselines:NearestLut",
            baseline=True,
            needs=tabled,
        ),
        "analytic": Model(
            config=f"{_HERE}.config:AnalyticConfig",
            summary="solid angle and attenuation, two fitted numbers",
            predictor=f"{_HERE}.baselines:Analytic",
            baseline=True,
            needs=tabled,
        ),
        "expected": Model(
            config=f"{_HERE}.config:OracleConfig",
            summary="what the simulation expects: only counting is left",
            predictor=f"{_HERE}.baselines:Expected",
            oracle=True,
            needs=frozenset({"expected"}),
        ),
    }


def _sources() -> dict[str, SourceSpec]:
    return {
        "cherenkov": SourceSpec(
            kind="simulator",
            factory=f"{_HERE}.sources.cherenkov:Cherenkov",
            config=f"{_HERE}.sources.config:CherenkovConfig",
            summary="flashes in a water tank, photon by photon",
        ),
        "lar-box": SourceSpec(
            kind="simulator",
            factory=f"{_HERE}.sources.lar_box:LarBox",
            config=f"{_HERE}.sources.config:LarBoxConfig",
            summary="flashes in a box of liquid argon, semi-analytic",
        ),
        "lar-windows": SourceSpec(
            kind="simulator",
            factory=f"{_HERE}.sources.lar_windows:LarWindows",
            config=f"{_HERE}.sources.windows_config:LarWindowsConfig",
            summary="windows of that box with several interactions, to match with their flashes",
        ),
        **_files(),
    }


def _files() -> dict[str, SourceSpec]:
    return {
        "simplesim": SourceSpec(
            kind="adapter",
            factory=f"{_HERE}.sources.simplesim:SimpleSim",
            config=f"{_HERE}.sources.files_config:SimpleSimConfig",
            summary="HDF5 files of SimpleSim, one or a folder: charges, and times that differ",
        ),
        "watchmal": SourceSpec(
            kind="adapter",
            factory=f"{_HERE}.sources.watchmal:Watchmal",
            config=f"{_HERE}.sources.files_config:WatchmalConfig",
            summary="digitised hits of WCSim, as WatChMaL's DataTools write them",
        ),
        "photon-library": SourceSpec(
            kind="adapter",
            factory=f"{_HERE}.sources.photon_library:PhotonLibrary",
            config=f"{_HERE}.sources.files_config:PhotonLibraryConfig",
            summary="HDF5 photon library of CIDeR's photonlib, a voxel a sample",
        ),
        "lut-npz": SourceSpec(
            kind="adapter",
            factory=f"{_HERE}.sources.lut_npz:LutNpz",
            config=f"{_HERE}.sources.files_config:LutNpzConfig",
            summary="light table of larnd-sim, a voxel a sample",
        ),
    }
