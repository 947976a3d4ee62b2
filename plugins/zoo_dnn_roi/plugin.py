"""The entry point of the task ``dnn-roi``: plain data, neither torch nor numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zoo.api import Consumer, Model, Ref, SourceSpec, Task, hookimpl

_HERE = "zoo_dnn_roi"


@hookimpl
def zoo_api() -> tuple[int, int]:
    """The contract this plugin was written for."""
    return (1, 1)


@hookimpl
def zoo_tasks() -> Sequence[Task]:
    """``dnn-roi``."""
    return (
        Task(
            name="dnn-roi",
            summary="regions of interest on the induction planes of a liquid-argon chamber",
            sample=f"{_HERE}.specs:SAMPLE",
            prediction=f"{_HERE}.specs:PREDICTION",
            models=_models(),
            sources=_sources(),
            codec=f"{_HERE}.codec:RoiCodec",
            learner=f"{_HERE}.learner:RoiLearner",
            metrics=f"{_HERE}.metrics:RoiMetrics",
            deploy=f"{_HERE}.deploy:RoiDeploy",
            figures=f"{_HERE}.figures:RoiFigures",
            select="loss",  # E depends on the threshold, which is tuned after the training
            recipes={
                "paper": f"{_HERE}:recipes/paper.toml",
                "better": f"{_HERE}:recipes/better.toml",
                "production": f"{_HERE}:recipes/production.toml",
                "demo": f"{_HERE}:recipes/demo.toml",
            },
            published=f"{_HERE}:published.toml",
            check=f"{_HERE}:check.toml",
        ),
    )


@hookimpl
def zoo_cards() -> Sequence[str]:
    """Published weights."""
    return (f"{_HERE}:cards",)


@hookimpl
def zoo_consumers() -> Sequence[Consumer]:
    """Wire-Cell."""
    return (
        Consumer(
            name="wirecell",
            summary="Wire-Cell Toolkit: DNNROIFinding with a TorchService",
            task="dnn-roi",
            format="ts",
            contract=f"{_HERE}.consumers:WireCell",
        ),
    )


@hookimpl
def zoo_commands() -> Mapping[str, Ref]:
    """``zoo dnn-roi frames``: predictions as Wire-Cell's files."""
    return {"dnn-roi": f"{_HERE}.commands:app"}


def _models() -> dict[str, Model]:
    return {
        "lite-unet": Model(
            config=f"{_HERE}.config:LiteUNetConfig",
            summary="U-Net on space-to-depth images, mostly separable, 0.54 M parameters",
            networks=f"{_HERE}.models.lite_unet:networks",
            compile_safe=True,
        ),
        **_published(),
        "mobilenetv3-unet": Model(
            config=f"{_HERE}.config:MobileNetV3UNetConfig",
            summary="U-Net on MobileNetV3-Large features as published, 3.4 M parameters",
            cite="https://github.com/lastgeorge/Pytorch-UNet; Howard et al., arXiv:1905.02244",
            networks=f"{_HERE}.models.mobilenetv3_unet:networks",
            checkpoints={"pytorch-unet": f"{_HERE}.checkpoints:mobilenetv3_unet"},
        ),
        "smp-unet": Model(
            config=f"{_HERE}.config:SmpUNetConfig",
            summary="U-Net of segmentation-models-pytorch around any encoder of timm",
            cite="https://github.com/qubvel-org/segmentation_models.pytorch",
            networks=f"{_HERE}.models.smp_unet:networks",
        ),
        "traditional": Model(
            config=f"{_HERE}.baselines:BaselineConfig",
            summary="the ROIs of traditional signal processing",
            predictor=f"{_HERE}.baselines:Traditional",
            baseline=True,
            needs=frozenset({"traditional", "decon_charge"}),
        ),
        "mp3": Model(
            config=f"{_HERE}.baselines:BaselineConfig",
            summary="the crossings at which all three planes are active, an input of the networks",
            predictor=f"{_HERE}.baselines:Coincidence",
            baseline=True,
            needs=frozenset({"mp3", "decon_charge"}),
        ),
        "oracle-mask": Model(
            config=f"{_HERE}.baselines:OracleConfig",
            summary="the true mask: what a perfect network would reach",
            predictor=f"{_HERE}.baselines:OracleMask",
            oracle=True,
            needs=frozenset({"truth", "decon_charge"}),
        ),
    }


def _published() -> dict[str, Model]:
    """The large networks of the DNN-ROI talk, and its cheapest."""
    return {
        "unet": Model(
            config=f"{_HERE}.config:UNetConfig",
            summary="U-Net of 64 to 512 channels as published, 13.4 M parameters",
            cite="Yu et al., arXiv:2007.12743; https://github.com/lastgeorge/Pytorch-UNet",
            networks=f"{_HERE}.models.unet:networks",
            checkpoints={"pytorch-unet": f"{_HERE}.checkpoints:unet"},
        ),
        "transformer-unet": Model(
            config=f"{_HERE}.config:TransformerUNetConfig",
            summary="that U-Net with four transformer blocks at 1/16, 26.0 M parameters",
            cite="https://github.com/lastgeorge/Pytorch-UNet; Vaswani et al., arXiv:1706.03762",
            networks=f"{_HERE}.models.transformer_unet:networks",
            checkpoints={"pytorch-unet": f"{_HERE}.checkpoints:transformer_unet"},
        ),
        "mobilenetv2-unet": Model(
            config=f"{_HERE}.config:MobileNetV2UNetConfig",
            summary="MobileNetV2 features and an answer at 1/8 as published, 6.9 M parameters",
            cite="https://github.com/lastgeorge/Pytorch-UNet; Sandler et al., arXiv:1801.04381",
            networks=f"{_HERE}.models.mobilenetv2_unet:networks",
            checkpoints={"pytorch-unet": f"{_HERE}.checkpoints:mobilenetv2_unet"},
        ),
    }


def _sources() -> dict[str, SourceSpec]:
    return {
        "cosmics": SourceSpec(
            kind="simulator",
            factory=f"{_HERE}.sources.simulators:Cosmics",
            config=f"{_HERE}.sources.config:CosmicsConfig",
            summary="cosmic muons through drift, field response, noise and deconvolution",
        ),
        "tracks": SourceSpec(
            kind="simulator",
            factory=f"{_HERE}.sources.simulators:Tracks",
            config=f"{_HERE}.sources.config:TracksConfig",
            summary="a muon of known theta_xz, alone or among cosmic muons: a test set",
        ),
        "showers": SourceSpec(
            kind="simulator",
            factory=f"{_HERE}.sources.showers:Showers",
            config=f"{_HERE}.sources.config:ShowersConfig",
            summary="an electron shower of known energy and theta_xz, parametrised, alone or "
            "among cosmic muons: a test set",
        ),
        "real-charge": SourceSpec(
            kind="adapter",
            factory=f"{_HERE}.sources.real_charge:RealCharge",
            config=f"{_HERE}.sources.config:RealChargeConfig",
            summary="measured charge of Wire-Cell frames as truth, simulated anew; holds only "
            "what signal processing found, so inefficiency is underestimated",
        ),
        "wct-hdf5": SourceSpec(
            kind="adapter",
            factory=f"{_HERE}.sources.wct_hdf5:WctHdf5",
            config=f"{_HERE}.sources.wirecell_config:WctHdf5Config",
            summary="frames and truth of Wire-Cell's HDF5FrameTap: a pair of files g4-rec-NAME.h5 "
            "and g4-tru-NAME.h5, or a folder of pairs",
        ),
        "wct-frames": SourceSpec(
            kind="adapter",
            factory=f"{_HERE}.sources.wct_frames:WctFrames",
            config=f"{_HERE}.sources.wirecell_config:WctFramesConfig",
            summary="frames of Wire-Cell's FrameFileSink (.tar.bz2, .tar.gz, .npz), without truth",
        ),
    }
