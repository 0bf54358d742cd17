"""Prediction, post-processing and official metrics."""
