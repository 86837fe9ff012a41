"""Neutral lips stay together whatever else of the head moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy import ndarray

from core.arkit import ARKIT_INDEX
from core.deformation.lips import LipSeal, lip_contacts
from core.face_model.model import FaceModel
from core.geometry.crossings import crossing_pairs


def gaps(model: FaceModel, vertices: ndarray) -> ndarray:
    upper, lower = lip_contacts(model)
    between: ndarray = (vertices[..., upper, :] - vertices[..., lower, :])[..., 1]
    return between


@pytest.fixture(scope="module")
def seal(anny: FaceModel) -> LipSeal:
    return LipSeal(anny)


def test_contacts_lie_on_both_sides_of_the_mouth(anny: FaceModel) -> None:
    upper, lower = lip_contacts(anny)
    assert len(upper) == len(lower) >= 6
    assert not set(upper) & set(lower)
    across = anny.template[upper, 0]
    corners = anny.landmarks(anny.template)[[78, 308], 0]
    assert across.min() < corners.min() + 4e-3 and across.max() > corners.max() - 4e-3
    jaw = np.linalg.norm(anny.expression_deltas[ARKIT_INDEX["jawOpen"]], axis=1)
    assert np.all(jaw[lower] > 1.5 * jaw[upper])


def test_random_heads_keep_their_lips_together(anny: FaceModel, seal: LipSeal) -> None:
    codes = np.random.default_rng(0).standard_normal((60, len(anny.identity_basis))).astype(np.float32)
    free, held = (
        gaps(anny, np.tensordot(codes, basis, axes=1))
        for basis in (anny.identity_basis, seal.sealed(anny.identity_basis))
    )
    assert held.std() < 0.1 * free.std()


def test_only_the_mouth_is_changed_and_only_upward(anny: FaceModel, seal: LipSeal) -> None:
    moves = np.random.default_rng(1).normal(size=anny.template.shape).astype(np.float32) * np.float32(1e-3)
    change = seal.sealed(moves) - moves
    assert not change[:, [0, 2]].any()
    lips = anny.landmarks(anny.template)[[13, 14]].mean(axis=0)
    moved = np.abs(change[:, 1]) > 1e-6
    assert moved.any() and np.linalg.norm(anny.template[moved] - lips, axis=1).max() < 0.06


def test_a_shift_of_the_whole_head_stays(anny: FaceModel, seal: LipSeal) -> None:
    shift = np.full(anny.template.shape, (0.01, 0.02, 0.03), np.float32)
    assert np.allclose(seal.sealed(shift), shift, atol=1e-6)


def test_the_matrix_does_the_same(anny: FaceModel, seal: LipSeal) -> None:
    moves = np.random.default_rng(2).normal(size=anny.template.shape).astype(np.float32)
    assert np.allclose(seal.matrix() @ moves[:, 1], seal.sealed(moves)[:, 1], atol=1e-5)


def test_parted_lips_are_closed_and_closed_ones_left(anny: FaceModel, seal: LipSeal) -> None:
    jaw = anny.expression_deltas[ARKIT_INDEX["jawOpen"]]
    parted = anny.template + np.float32(0.15) * jaw
    before, after = gaps(anny, parted), gaps(anny, seal.closed(parted))
    assert before.max() > 3e-3
    assert after.max() < 1e-4
    closed = seal.closed(anny.template)
    np.testing.assert_allclose(seal.closed(closed), closed, atol=1e-6)


def test_lips_pressed_into_each_other_are_parted(anny: FaceModel, seal: LipSeal) -> None:
    pressed = anny.template + np.float32(-0.05) * anny.expression_deltas[ARKIT_INDEX["jawOpen"]]
    skin = anny.triangles[anny.region_mask("skin")[anny.triangles].all(axis=1)]
    lips = skin[anny.masks["lips"][skin].min(axis=1) > 0.3]
    assert len(crossing_pairs(pressed.astype(np.float64), lips)) > 50
    parted = seal.closed(pressed)
    assert len(crossing_pairs(parted.astype(np.float64), lips)) == 0
    assert gaps(anny, parted).max() < 1e-4


def test_a_model_whose_jaw_does_not_open_is_left_as_it_is(anny: FaceModel) -> None:
    still = replace(anny, expression_deltas=np.zeros_like(anny.expression_deltas))
    seal = LipSeal(still)
    moves = np.random.default_rng(3).normal(size=anny.template.shape).astype(np.float32)
    assert np.array_equal(seal.sealed(moves), moves)
    assert np.allclose(seal.matrix() @ moves, moves)
    assert np.array_equal(seal.closed(moves), moves)
