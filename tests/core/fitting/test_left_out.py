"""Photos that are left out tell a head that is right from one that is not, and refinements are taken back."""

from __future__ import annotations

import numpy as np
import pytest

from core.face_model.model import FaceModel
from core.fitting import flow_fit
from core.fitting.dense import DenseFit
from core.fitting.face_surface import sample_face
from core.fitting.flow_fit import refine_by_flow
from core.fitting.left_out import explains_no_worse, left_out_errors
from core.fitting.types import Observation
from core.fitting.view_flow import ViewFlow
from tests.core.fitting.turned_views import fit_with, views_of
from tests.core.people import person

Given = tuple[ViewFlow, list[Observation], DenseFit, DenseFit]


@pytest.fixture(scope="module")
def given(anny: FaceModel) -> Given:
    """Photos of a person, the fit with the true head, and one with another."""
    truth = person(anny, 20, 0.4)
    wrong = truth + 0.9 * (np.arange(len(truth)) < 12) * (-1) ** np.arange(len(truth))
    views = views_of(anny, truth)
    flow = ViewFlow(anny, views, sample_face(anny, 600))
    return flow, views, fit_with(truth, anny), fit_with(wrong, anny)


def test_the_true_head_explains_photos_that_are_left_out(anny: FaceModel, given: Given) -> None:
    flow, _, right, wrong = given
    with_right, with_wrong = (left_out_errors(flow, anny, fit) for fit in (right, wrong))
    assert len(with_right) == 3 and np.isfinite(with_right).all()
    assert (with_right < 0.7 * with_wrong).all()


def test_a_refinement_is_kept_where_it_explains_them_and_else_not(anny: FaceModel, given: Given) -> None:
    flow, _, right, wrong = given
    assert explains_no_worse(flow, anny, before=wrong, after=right)
    assert explains_no_worse(flow, anny, before=right, after=right)
    assert not explains_no_worse(flow, anny, before=right, after=wrong)


def test_flow_that_leads_astray_is_taken_back(
    anny: FaceModel, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the fit to the flow says: here it ends at another head."""
    _, views, right, wrong = given
    monkeypatch.setattr(flow_fit, "fit_tracks", lambda *args, **options: wrong)
    monkeypatch.setattr(flow_fit, "settle_expressions", lambda *args, **options: wrong)
    assert refine_by_flow(anny, views, right, rounds=1) is right


def test_one_photo_has_nothing_to_be_left_out_of(anny: FaceModel) -> None:
    truth = person(anny, 20, 0.4)
    whole = fit_with(truth, anny)
    alone = DenseFit(whole.identity, whole.correction, whole.photos[1:2])
    flow = ViewFlow(anny, views_of(anny, truth)[1:2], sample_face(anny, 600))
    assert np.isnan(left_out_errors(flow, anny, alone)).all()
