"""Training: from a configuration and a source to a run directory with a selected model."""

from zoo.training.run import train as train

__all__ = ["train"]
