from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy import ndarray

from core.errors import BadInput, Cancelled
from core.face_model.model import FaceModel
from core.fitting.dense import fit_dense
from core.fitting.face_surface import FaceSurface, face_weight
from core.fitting.head import EXPECTED_SECONDS, fit_head
from core.fitting.landmark_solver import fit_landmarks
from core.progress import Progress
from tests.core.people import expression, person, photograph


@pytest.fixture(scope="module")
def surface(anny: FaceModel) -> FaceSurface:
    return FaceSurface(anny)


def face_error(model: FaceModel, found: ndarray, truth: ndarray) -> float:
    face = face_weight(model) > 0.5
    return float(np.linalg.norm((found - truth)[face], axis=1).mean())


def test_smoothing_has_the_right_gradient(surface: FaceSurface) -> None:
    rng = np.random.default_rng(0)
    shape = surface.model.template.shape
    rough = torch.tensor(rng.standard_normal(shape), dtype=torch.float32, requires_grad=True)
    towards = torch.tensor(rng.standard_normal(shape), dtype=torch.float32)
    (surface.smooth(rough) * towards).sum().backward()
    # the map is linear, so any finite step gives its derivative
    step = torch.tensor(rng.standard_normal(shape), dtype=torch.float32)
    change = ((surface.smooth(rough + step) - surface.smooth(rough)) * towards).sum()
    assert rough.grad is not None
    assert float((rough.grad * step).sum()) == pytest.approx(float(change), rel=1e-3, abs=1e-2)


def test_smoothing_keeps_constants_and_kills_spikes(surface: FaceSurface) -> None:
    ones = torch.ones(surface.model.template.shape)
    assert torch.allclose(surface.smooth(ones), ones, atol=1e-4)
    spike = torch.zeros_like(ones)
    spike[surface.vertices[0]] = 1
    assert float(surface.smooth(spike).max()) < 0.1


def test_normals_and_samples_are_differentiable(surface: FaceSurface) -> None:
    posed = surface.mean[None].double().requires_grad_()
    small = torch.tensor(np.random.default_rng(0).standard_normal(posed.shape)) * 1e-7
    value = surface.at_samples(surface.normals(posed))[..., 2].sum()
    value.backward()
    with torch.no_grad():
        moved = surface.at_samples(surface.normals(posed + small))[..., 2].sum()
    assert posed.grad is not None
    assert float((posed.grad * small).sum()) == pytest.approx(float(moved - value), rel=1e-2)


def test_normals_point_out_of_the_face(surface: FaceSurface) -> None:
    normals = surface.at_samples(surface.normals(surface.mean[None]))[0]
    assert float(normals[:, 2].mean()) > 0.4


def test_three_views_sharpen_a_noisy_landmark_fit(anny: FaceModel, surface: FaceSurface) -> None:
    truth = person(anny, 10, 0.5)
    views = [photograph(anny, truth, expression(), yaw, noise=0.02) for yaw in (-0.5, 0.0, 0.5)]
    coarse = fit_landmarks(anny, views)
    fine = fit_dense(surface, views, coarse.identity, coarse.photos)
    own = anny.neutral(truth.astype(np.float32))
    before = face_error(anny, anny.neutral(coarse.identity.astype(np.float32)), own)
    after = face_error(anny, anny.neutral(fine.identity.astype(np.float32)) + fine.correction, own)
    assert after < before
    assert all(photo.sh is not None and np.isfinite(photo.sh).all() for photo in fine.photos)
    assert all(photo.expression.min() >= 0 and photo.expression.max() <= 1 for photo in fine.photos)


def test_a_photo_without_visible_skin_keeps_the_landmark_fit_finite(
    anny: FaceModel, surface: FaceSurface
) -> None:
    seen = photograph(anny, person(anny, 11, 0.4), expression())
    seen.skin[:] = 0
    coarse = fit_landmarks(anny, [seen])
    fine = fit_dense(surface, [seen], coarse.identity, coarse.photos, iterations=30)
    assert np.isfinite(fine.identity).all() and np.isfinite(fine.correction).all()


def test_the_head_of_no_photo_is_an_error(anny: FaceModel) -> None:
    with pytest.raises(BadInput):
        fit_head(anny, [])


def test_a_fit_can_be_cancelled_in_the_middle(anny: FaceModel) -> None:
    reports: list[str] = []
    progress = Progress(
        EXPECTED_SECONDS, lambda report: reports.append(report.stage), lambda: reports.count("surface") > 2
    )
    with pytest.raises(Cancelled):
        fit_head(anny, [photograph(anny, person(anny, 12, 0.4), expression())], progress)
    assert "expressions" not in reports
