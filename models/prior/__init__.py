"""A learned prior for tracking: landmarks of a frame and of the person at rest to ARKit coefficients."""
