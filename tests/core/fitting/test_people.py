"""Heads among people: the coordinates of a fit, their prior, and a network's belief in them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy import ndarray

from core.face_model.model import FaceModel
from core.fitting.face_belief import FaceBelief
from core.fitting.face_surface import face_weight
from core.fitting.people import PeoplePrior, among_people


@pytest.fixture(scope="module")
def among(anny: FaceModel) -> tuple[FaceModel, PeoplePrior]:
    return among_people(anny)


@pytest.fixture(scope="module")
def moved(anny: FaceModel, among: tuple[FaceModel, PeoplePrior]) -> tuple[ndarray, ndarray]:
    """Twenty heads of people, and what the model's own basis has of them; both as offsets."""
    people, prior = among
    w = np.random.default_rng(0).normal(prior.mean, 1, (20, len(prior.mean)))
    heads = np.stack([people.neutral(one.astype(np.float32)) for one in w]) - anny.template
    known = np.stack([anny.neutral((prior.to_model @ one).astype(np.float32)) for one in w]) - anny.template
    return heads, known


def test_faces_are_those_of_the_models_basis_and_more(
    anny: FaceModel, moved: tuple[ndarray, ndarray]
) -> None:
    """What a head's coordinates are in the model's basis explains most of its face, and not all."""
    heads, known = moved
    face = face_weight(anny) > 0.9
    beyond, whole = (np.linalg.norm(each[:, face], axis=2).mean() for each in (heads - known, heads))
    assert 0.05 * whole < beyond < 0.6 * whole


def test_the_back_of_the_head_moves_less_than_the_face(
    anny: FaceModel, moved: tuple[ndarray, ndarray]
) -> None:
    away = np.linalg.norm(moved[0], axis=2).mean(axis=0)
    back = anny.region_mask("skin") & (anny.template[:, 2] < -0.12) & (anny.template[:, 1] > -0.05)
    assert away[back].mean() < 0.8 * away[face_weight(anny) > 0.9].mean()


def test_eyes_stay_balls(anny: FaceModel, moved: tuple[ndarray, ndarray]) -> None:
    for eye in ("eye_left", "eye_right"):
        ball = anny.region_mask(eye)
        for head in moved[0]:
            own, usual = (
                np.linalg.norm(points - points.mean(axis=0), axis=1)
                for points in ((anny.template + head)[ball], anny.template[ball])
            )
            np.testing.assert_allclose(own / usual, (own / usual).mean(), rtol=2e-3)


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
