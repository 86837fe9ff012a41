"""The methods themselves, and the whole on rendered people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from core.arkit import ARKIT_INDEX
from core.capture.photos import Photo
from core.errors import BadInput
from core.face_model.model import FaceModel
from core.scene.camera import head_rotation
from models.crops import project_points
from models.evaluation.marks import marks_of
from models.evaluation.methods import LandmarkFit, MeanHead, Network, make_method
from models.evaluation.prediction import Eyes, Picture, head_prediction
from models.evaluation.run import Run
from models.evaluation.synthetic import HeldOutPeople, Truth, outer_skin, run_people
from tests.models.evaluation.truths import Told

MakeRun = Callable[..., Run]


@dataclass
class _Reading:
    identity: np.ndarray
    expression: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray
    camera: np.ndarray


@pytest.fixture(scope="module")
def pictured(anny: FaceModel) -> tuple[Picture, _Reading, tuple[float, float, float, float]]:
    """A person's true landmarks in a picture whose principal point is far from its middle."""
    identity = np.random.default_rng(4).normal(0, 0.7, len(anny.identity_basis)).astype(np.float32)
    expression = np.zeros(52, np.float32)
    expression[ARKIT_INDEX["jawOpen"]] = 0.6
    rotation = head_rotation(0.35, 0.1, -0.05).numpy()
    translation = np.array([0.08, -0.02, 0.7], np.float32)
    camera = (620.0, 620.0, 90.0, 150.0)
    posed = anny.neutral(identity) + np.tensordot(expression, anny.expression_deltas, axes=1)
    landmarks = project_points(anny.landmarks(posed), np.array(camera), rotation, translation)
    picture = Picture(np.zeros((224, 224, 3), np.uint8), landmarks, camera)
    return picture, _Reading(identity, expression, rotation, translation, np.array(camera)), camera


def _degrees(found: np.ndarray, true: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip((np.trace(found.T @ true) - 1) / 2, -1, 1))))


def test_the_fit_reads_a_known_picture_and_the_mean_head_does_not_move(
    anny: FaceModel, pictured: tuple[Picture, _Reading, tuple[float, float, float, float]]
) -> None:
    picture, truth, _ = pictured
    true = marks_of(picture.landmarks)[:, :2]
    fitted, baseline = LandmarkFit(anny).predict(picture), MeanHead(anny).predict(picture)
    assert np.linalg.norm(fitted.landmarks - true, axis=1).mean() < 1.5
    assert _degrees(fitted.rotation, truth.rotation) < 3
    assert fitted.expression[ARKIT_INDEX["jawOpen"]] > 0.3
    assert not baseline.expression.any() and np.array_equal(baseline.neutral, anny.template)
    assert _degrees(baseline.rotation, truth.rotation) < 12
    off = np.linalg.norm(baseline.landmarks - true, axis=1).mean()
    assert np.linalg.norm(fitted.landmarks - true, axis=1).mean() < off < 12


def test_a_networks_answer_becomes_its_head(
    anny: FaceModel, pictured: tuple[Picture, _Reading, tuple[float, float, float, float]]
) -> None:
    """Who says the truth has its landmarks in the right pixels, and gets the picture's camera if known."""
    picture, truth, camera = pictured
    asked = []

    class Fake:
        def read(self, pixels: object, landmarks: object, camera: object = None) -> _Reading:
            asked.append(camera)
            return truth

    network = Network(anny, Fake(), "fake")
    said = network.predict(picture)
    assert np.allclose(said.landmarks, marks_of(picture.landmarks)[:, :2], atol=0.02)
    assert np.allclose(said.neutral, anny.neutral(truth.identity))
    network.predict(Picture(picture.pixels, picture.landmarks))
    assert asked == [camera, None]
    assert network.name == "fake" and np.array_equal(network.upright, LandmarkFit(anny).upright)


def test_methods_by_name(anny: FaceModel) -> None:
    assert make_method("mean_head", anny).name == "mean head"
    assert make_method("landmark_fit", anny).name == "landmark fit"
    with pytest.raises(BadInput, match="guess"):
        make_method("guess", anny)


def test_no_face_no_picture(eyes: Eyes) -> None:
    grey = np.full((200, 200, 3), 127, np.uint8)
    assert eyes.see(Photo(grey, Path("grey"), "", None, (200, 200))) is None


@pytest.fixture(scope="module")
def people(anny: FaceModel) -> HeldOutPeople:
    return HeldOutPeople(anny)


def test_who_knows_the_truth_of_rendered_people_has_no_error(
    people: HeldOutPeople, anny: FaceModel, run: MakeRun
) -> None:
    renderer = people._renderer
    known: dict[bytes, tuple[Truth, np.ndarray, np.ndarray]] = {}
    drawn = renderer.person(0, 2)
    for index, truth in enumerate(people.pictures(0, 2)):
        identity = drawn.labels["identity"][index]
        known[truth.pixels.tobytes()] = truth, identity, drawn.labels["translation"][index]

    def answer(picture: Picture):  # type: ignore[no-untyped-def]
        truth, identity, translation = known[picture.pixels.tobytes()]
        assert picture.camera == truth.camera
        pose = truth.rotation, translation.astype(np.float64)
        return head_prediction(anny, anny.neutral(identity), truth.expression, pose, truth.camera)

    told = Told(answer, upright=LandmarkFit(anny).upright)
    evaluation = run(told, MeanHead(anny))
    shape, coefficients, groups = run_people(people, evaluation, 1, 2)
    assert evaluation.seen + evaluation.missed == 2 and evaluation.seen >= 1
    ours, baseline = (dict(zip(shape.headings, row, strict=True)) for row in shape.rows)
    assert (
        float(ours["mean mm"]) < 0.01
        and float(ours["rotation °"]) < 0.05
        and float(ours["NME % mean"]) < 0.02
    )
    assert float(baseline["mean mm"]) > 0.2 and float(baseline["NME % mean"]) > 0.5
    assert float(coefficients.rows[0][1]) < 1e-6 < float(coefficients.rows[1][1])
    assert not float(groups.rows[0][-1]) > 1e-6  # NaN where nothing is shown


def test_a_scanner_sees_the_face_and_not_what_lies_behind(anny: FaceModel) -> None:
    head = anny.template.astype(np.float64)
    seen = set(outer_skin(anny, head).tolist())
    face = anny.triangles[
        anny.landmark_triangles[[4, 6, 50, 280, 151, 199]]
    ].ravel()  # nose, cheeks, brow, chin
    assert set(face.tolist()) <= seen
    skin = np.flatnonzero(anny.region_mask("skin"))
    assert not {int(skin[head[skin, 2].argmin()])} & seen and len(seen) < len(skin)
    assert anny.region_mask("skin")[list(seen)].all()


def test_held_out_people_are_the_same_at_every_run(people: HeldOutPeople, anny: FaceModel) -> None:
    torch.set_num_threads(1)
    first, again = (next(iter(people.pictures(1, 1))) for _ in range(2))
    assert np.array_equal(first.pixels, again.pixels) and np.array_equal(first.scan.points, again.scan.points)
    other = next(iter(people.pictures(2, 1)))
    assert not np.array_equal(first.pixels, other.pixels)
    assert len(first.scan.points) > 800
