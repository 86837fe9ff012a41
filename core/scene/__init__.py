"""Cameras, light, rasterising and shading."""
