"""Landmarks without pose, and the rest of a clip."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from core.arkit import ARKIT_INDEX
from core.face_model.model import FaceModel
from models.prior.features import (
    SWAP,
    Canonical,
    learn_canonical,
    mirror_landmarks,
    mirror_rotations,
    rest_of,
)

FLIPPED = np.array([1.0, -1.0, -1.0])  # landmarks' y points down and z away


def canonical_of(anny: FaceModel) -> tuple[Canonical, np.ndarray]:
    rng = np.random.default_rng(0)
    identities = rng.standard_normal((12, 120)).astype(np.float32)
    neutral = np.stack([anny.landmarks(anny.neutral(identity)) for identity in identities])
    moved = (
        neutral
        + anny.landmarks(anny.template + anny.expression_deltas[ARKIT_INDEX["jawOpen"]])
        - anny.landmarks(anny.template)
    )
    return learn_canonical(300 * neutral * FLIPPED, 300 * moved * FLIPPED), 300 * neutral * FLIPPED


def test_the_mean_face_is_symmetric_and_trusts_the_jaw_least(anny: FaceModel) -> None:
    canonical, _ = canonical_of(anny)
    np.testing.assert_allclose(mirror_landmarks(canonical.points), canonical.points, atol=1e-4)
    assert canonical.weight[152] < 0.3 * canonical.weight[168]  # the chin and the bridge of the nose


@settings(max_examples=20)
@given(st.lists(st.floats(-0.6, 0.6), min_size=3, max_size=3), st.floats(0.2, 5.0), st.floats(-900, 900))
def test_pose_leaves_the_aligned_face_as_it_is(
    anny: FaceModel, vector: list[float], scale: float, shift: float
) -> None:
    canonical, neutral = canonical_of(anny)
    turn = Rotation.from_rotvec(vector).as_matrix()
    seen = scale * neutral[:1] @ turn.T + shift
    still, before = canonical.align(neutral[:1])
    aligned, rotation = canonical.align(seen)
    np.testing.assert_allclose(aligned, still, atol=2e-3)
    np.testing.assert_allclose(rotation[0] @ turn, before[0], atol=1e-5)


def test_mirroring_before_or_after_alignment_is_the_same(anny: FaceModel) -> None:
    canonical, neutral = canonical_of(anny)
    seen = neutral @ Rotation.from_rotvec([0.1, 0.4, -0.2]).as_matrix().T
    aligned, rotation = canonical.align(seen)
    twin, twin_rotation = canonical.align(mirror_landmarks(seen))
    np.testing.assert_allclose(twin, mirror_landmarks(aligned), atol=2e-3)
    np.testing.assert_allclose(twin_rotation, mirror_rotations(rotation), atol=1e-5)


def test_swapping_sides_twice_changes_nothing() -> None:
    np.testing.assert_array_equal(SWAP[SWAP], np.arange(52))


def test_the_rest_is_where_frames_are_dense_not_their_mean() -> None:
    rng = np.random.default_rng(0)
    rest = rng.normal(0, 10, (478, 3))
    frames = np.tile(rest, (60, 1, 1)) + rng.normal(0, 0.2, (60, 478, 3))
    frames[:36, 100:200] += rng.uniform(2, 9, (36, 1, 1)) * rng.normal(1, 1, (36, 1, 3))  # speech
    rotation = np.tile(np.eye(3, dtype=np.float32), (60, 1, 1))
    found = rest_of(frames.astype(np.float32), rotation)
    assert np.abs(found - rest).mean() < 0.1
    assert np.abs(frames.mean(axis=0) - rest).mean() > 0.3
