from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from core.face_model.identity_basis import whitened_basis
from core.geometry.alignment import align_similarity


def test_the_basis_spans_what_varies_and_nothing_of_pose_or_size() -> None:
    rng = np.random.default_rng(0)
    mean, modes = rng.standard_normal((60, 3)), 0.05 * rng.standard_normal((3, 60, 3))
    heads = mean + np.tensordot(rng.standard_normal((800, 3)), modes, axes=1)
    posed = np.stack(
        [
            rng.uniform(0.5, 2) * head @ Rotation.random(random_state=k).as_matrix().T
            + rng.standard_normal(3)
            for k, head in enumerate(heads)
        ]
    )
    _, basis, kept = whitened_basis(posed, np.ones(60), 3)
    assert kept > 0.99  # seven degrees of pose and size would leave three modes far less
    assert basis.shape == (3, 60, 3)


def test_modes_have_unit_variance_on_what_they_were_learned_from() -> None:
    rng = np.random.default_rng(1)
    heads = rng.standard_normal((40, 3)) + 0.02 * rng.standard_normal((500, 40, 3))
    mean, basis, _ = whitened_basis(heads, np.ones(40), 5)
    scale, rotation, translation = align_similarity(heads, mean.astype(float), np.ones(40))
    aligned = scale[:, None, None] * np.einsum("svd,sed->sve", heads, rotation) + translation[:, None]
    flat = basis.reshape(5, -1).astype(float)
    coefficients = (aligned - mean).reshape(500, -1) @ flat.T @ np.linalg.inv(flat @ flat.T)
    assert np.allclose(coefficients.std(axis=0), 1, atol=0.1)
