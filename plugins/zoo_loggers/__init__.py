"""Loggers of trainings: TensorBoard, Weights & Biases, MLflow."""
