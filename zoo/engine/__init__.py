"""The training mechanism: updates, distribution, precision, checkpoints. Imports torch."""
