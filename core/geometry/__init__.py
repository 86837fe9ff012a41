"""Meshes and points: what every part of the core stands on. No images, no face models."""
