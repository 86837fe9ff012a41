"""Heads among people: the coordinates of a fit, their prior, and a network's belief in them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.face_model.model import FaceModel
from core.fitting.face_belief import FaceBelief
from core.fitting.people import PeoplePrior, among_people


@pytest.fixture(scope="module")
def among(anny: FaceModel) -> tuple[FaceModel, PeoplePrior]:
    return among_people(anny)


def test_coordinates_are_those_of_the_models_basis_and_more(
    anny: FaceModel, among: tuple[FaceModel, PeoplePrior]
) -> None:
    """What a head's coordinates are in the model's basis explains most of it, and not all."""
    people, prior = among
    w = np.random.default_rng(0).normal(prior.mean, 1)
    skin = anny.region_mask("skin")
    head = people.neutral(w.astype(np.float32))[skin]
    known = anny.neutral((prior.to_model @ w).astype(np.float32))[skin]
    beyond, whole = np.linalg.norm(head - known, axis=1), np.linalg.norm(head - anny.template[skin], axis=1)
    assert 0 < beyond.mean() < 0.6 * whole.mean()
    assert np.linalg.norm(people.template - anny.template) == 0


def test_modes_leave_the_back_of_the_head_and_carry_the_eyes(
    anny: FaceModel, among: tuple[FaceModel, PeoplePrior]
) -> None:
    people, prior = among
    w = prior.mean + 2 * np.random.default_rng(1).normal(size=len(prior.mean))
    head, known = people.neutral(w.astype(np.float32)), anny.neutral((prior.to_model @ w).astype(np.float32))
    beyond = np.linalg.norm(head - known, axis=1)
    assert beyond[anny.template[:, 2] < -0.12].max() < 1e-3
    for eye in ("eye_left", "eye_right"):  # as one ball
        ball = anny.region_mask(eye)
        assert np.ptp(np.linalg.norm(head[ball] - head[ball].mean(axis=0), axis=1)) < 6e-3


def test_a_model_without_a_file_keeps_its_own_basis(anny: FaceModel) -> None:
    other, prior = among_people(replace(anny, name="another"))
    assert other.identity_basis is anny.identity_basis
    np.testing.assert_array_equal(prior.mean, 0)
    np.testing.assert_array_equal(prior.to_model, np.eye(len(anny.identity_basis)))


def test_another_topology_or_place_is_not_taken_for_the_one_of_the_file(anny: FaceModel) -> None:
    moved = replace(anny, template=anny.template + np.float32(0.001))
    assert among_people(moved)[0] is moved
    fewer = replace(anny, identity_basis=anny.identity_basis[:50])
    assert among_people(fewer)[0] is fewer


def test_what_a_network_believes_is_found_where_it_is_sure() -> None:
    """Precision 1 + Fᵀ D F: a sure coefficient is met, an unsure one left to the prior."""
    rng = np.random.default_rng(2)
    F = rng.normal(size=(4, 6))
    people = PeoplePrior(rng.normal(size=6), F)
    told = FaceBelief(np.array([1.0, -2.0, 0.5, 3.0]), np.array([1e-3, 1e-3, 1e3, 1e3]), people=people)
    mean, precision = told.identity_prior(6, 1.0)
    np.testing.assert_allclose((F @ mean)[:2], [1.0, -2.0], atol=1e-4)
    assert np.linalg.eigvalsh(precision).min() > 1 - 1e-6
    # of all that meet it, the one nearest to the prior's mean
    free = np.linalg.svd(F[:2])[2][2:]
    np.testing.assert_allclose(free @ (mean - people.mean), 0, atol=1e-6)
    nothing = FaceBelief(people=people).identity_prior(6, 1.0)
    np.testing.assert_array_equal(nothing[0], people.mean)
