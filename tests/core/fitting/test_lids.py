"""Lids are found on a known head: shut, narrowed and torn open, told apart, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy import ndarray

from core.arkit import ARKIT_INDEX
from core.deformation.expressions import personalise_expressions
from core.face_model.model import FaceModel
from core.fitting.landmark_solver import fit_landmarks
from core.fitting.lids import settle_lids
from core.fitting.types import FittedHead, Observation
from tests.core.people import expression, person, photograph

LIDS = [name + side for name in ("eyeBlink", "eyeSquint", "eyeWide") for side in ("Left", "Right")]


@pytest.fixture(scope="module")
def known(anny: FaceModel) -> tuple[ndarray, ndarray, ndarray]:
    """Identity, neutral and the 52 of a person."""
    identity = person(anny, 30, 0.3)
    neutral = anny.neutral(identity.astype(np.float32))
    return identity, neutral, personalise_expressions(anny, neutral)


def settled(model: FaceModel, known: tuple[ndarray, ndarray, ndarray], seen: Observation) -> FittedHead:
    """The head with a photo whose pose is known and whose lids are not, and then are."""
    identity, neutral, deltas = known
    photos = fit_landmarks(model, [seen], identity=identity).photos
    for photo in photos:
        photo.expression[[ARKIT_INDEX[name] for name in LIDS]] = 0
    head = FittedHead(model, identity, neutral, deltas, photos)
    return FittedHead(model, identity, neutral, deltas, settle_lids(head, [seen]))


@pytest.mark.parametrize("unit", ["eyeBlink", "eyeSquint", "eyeWide"])
def test_what_the_lids_do_is_found(
    anny: FaceModel, known: tuple[ndarray, ndarray, ndarray], unit: str
) -> None:
    true = {f"{unit}Left": 0.8, f"{unit}Right": 0.4}
    found = settled(anny, known, photograph(anny, known[0], expression(**true))).photos[0].named_expression()
    for name in LIDS:
        assert found[name] == pytest.approx(true.get(name, 0.0), abs=0.2), name


def test_eyes_at_rest_stay_at_rest(anny: FaceModel, known: tuple[ndarray, ndarray, ndarray]) -> None:
    found = settled(anny, known, photograph(anny, known[0], expression())).photos[0].named_expression()
    assert max(found[name] for name in LIDS) < 0.06


def test_an_eye_turned_away_keeps_what_it_has(
    anny: FaceModel, known: tuple[ndarray, ndarray, ndarray]
) -> None:
    seen = photograph(anny, known[0], expression(eyeBlinkLeft=1.0, eyeBlinkRight=1.0), yaw=1.25)
    found = settled(anny, known, seen).photos[0].named_expression()
    near, far = sorted((found["eyeBlinkLeft"], found["eyeBlinkRight"]), reverse=True)
    assert far == 0.0
    assert near > 0.6


def test_nothing_but_the_lids_changes(anny: FaceModel, known: tuple[ndarray, ndarray, ndarray]) -> None:
    identity, neutral, deltas = known
    seen = photograph(anny, identity, expression(eyeSquintLeft=0.7, jawOpen=0.5))
    before = FittedHead(
        anny, identity, neutral, deltas, fit_landmarks(anny, [seen], identity=identity).photos
    )
    (after,) = settle_lids(before, [seen])
    others = np.setdiff1d(np.arange(52), [ARKIT_INDEX[name] for name in LIDS])
    np.testing.assert_array_equal(after.expression[others], before.photos[0].expression[others])
    np.testing.assert_array_equal(after.rotation, before.photos[0].rotation)
