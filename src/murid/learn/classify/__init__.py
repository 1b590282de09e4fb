"""Classifiers of frames: gradient boosting, calibration, and what other methods need."""
