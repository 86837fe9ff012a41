"""Frames of a clip → expression, head pose and gaze of each."""
