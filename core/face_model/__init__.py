"""Heads with ARKit expressions: the FaceModel type and its providers."""
