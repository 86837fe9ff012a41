"""Geometry, images and fitting. No learned weights, no servers, no bpy."""
