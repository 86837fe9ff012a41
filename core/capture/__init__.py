"""Photos and video frames to faces, landmarks and masks."""
