"""Measure a face model's landmark embedding and write it where it ships from.

Run as ``python -m core.face_model.measure_embedding anny`` (or another installed model) whenever the model,
the paint or the landmark detector changes; then look at renders with the landmarks drawn in.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from core.face_model.detector import render_detector
from core.face_model.embedding import embed_landmarks
from core.face_model.registry import load_model

_HEADS = 4  # random ones beside the template
_SPREAD = 0.5  # of their identities, in standard deviations


def main() -> None:
    """Write ``data/<name>_landmarks.npz`` for the model named on the command line."""
    name = sys.argv[1]
    model = load_model(name)
    rng = np.random.default_rng(0)
    modes = len(model.identity_basis)
    heads = [model.neutral(_SPREAD * rng.standard_normal(modes).astype(np.float32)) for _ in range(_HEADS)]
    with render_detector() as detect:
        triangles, barycentrics = embed_landmarks(model, detect, heads)
    file = Path(__file__).parent / "data" / f"{name}_landmarks.npz"
    np.savez_compressed(file, triangles=triangles, barycentrics=barycentrics)
    print(file)


if __name__ == "__main__":
    main()
