"""A performance on any character: names, calibration, smoothing, keys."""
