"""Training: the trainer, the task mixture, and one run from data to a saved model."""
