"""The entry point of the loggers: plain data, none of the libraries."""

from __future__ import annotations

from collections.abc import Mapping

from zoo.api import Ref, hookimpl


@hookimpl
def zoo_api() -> tuple[int, int]:
    """The contract this plugin was written for."""
    return (1, 0)


@hookimpl
def zoo_loggers() -> Mapping[str, Ref]:
    """TensorBoard, Weights & Biases, MLflow."""
    return {
        "tensorboard": "zoo_loggers.tensorboard_logger:TensorBoard",
        "wandb": "zoo_loggers.wandb_logger:WandB",
        "mlflow": "zoo_loggers.mlflow_logger:MLflow",
    }
