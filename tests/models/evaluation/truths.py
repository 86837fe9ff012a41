"""Heads, scans and methods whose errors are known by construction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy import ndarray
from scipy.spatial.transform import Rotation

from core.face_model.model import FaceModel
from models.evaluation.marks import marks_of
from models.evaluation.prediction import Picture, Prediction, skin_triangles

BUMP = 1e-3  # metres


@dataclass
class Told:
    """A method that says what a test wants it to say."""

    answer: Callable[[Picture], Prediction]
    name: str = "told"
    upright: ndarray = field(default_factory=lambda: np.random.default_rng(0).normal(size=(68, 3)))

    def predict(self, picture: Picture) -> Prediction:
        return self.answer(picture)


def prediction_of(model: FaceModel, vertices: ndarray, **changes: ndarray) -> Prediction:
    """A prediction whose neutral and posed head is this one."""
    marks = marks_of(model.landmarks(vertices.astype(np.float32))).astype(np.float64)
    said: dict[str, ndarray] = {
        "neutral": vertices, "posed": vertices, "triangles": skin_triangles(model), "neutral_marks": marks,
        "posed_marks": marks, "landmarks": np.zeros((68, 2)), "expression": np.zeros(52),
        "rotation": np.diag([1.0, -1.0, -1.0]),
    }  # fmt: skip
    return Prediction(**(said | changes))


def person(model: FaceModel, seed: int) -> ndarray:
    """A random neutral head, metres."""
    identity = np.random.default_rng(seed).standard_normal(len(model.identity_basis)).astype(np.float32)
    return model.neutral(identity).astype(np.float64)


def bumpy(vertices: ndarray, triangles: ndarray, seed: int = 0) -> ndarray:
    """The surface with every vertex moved 1 mm along its normal, at random in or out.

    No alignment takes that away, as it would a shift or a growth.
    """
    a, b, c = np.moveaxis(vertices[triangles], 1, 0)
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], np.cross(b - a, c - a))
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], len(vertices))
    return vertices + BUMP * signs[:, None] * normals


def moved(points: ndarray, scale: float) -> ndarray:
    """Points of another coordinate system and unit."""
    turn = Rotation.from_euler("xyz", [10, -20, 5], degrees=True).as_matrix()
    return scale * (points @ turn.T + np.array([0.02, -0.4, 0.9]))


def write_obj(path: Path, vertices: ndarray, triangles: ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"v {x:.7f} {y:.7f} {z:.7f}" for x, y, z in vertices]
    lines += [f"f {a} {b} {c}" for a, b, c in triangles + 1]
    path.write_text("\n".join(lines) + "\n")
    return path


def skin_of(model: FaceModel, vertices: ndarray) -> tuple[ndarray, ndarray]:
    """The skin alone as a mesh of its own."""
    triangles = skin_triangles(model)
    used, renumbered = np.unique(triangles, return_inverse=True)
    return vertices[used], renumbered.reshape(triangles.shape)
