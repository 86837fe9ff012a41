"""UV space: texture from photos."""
