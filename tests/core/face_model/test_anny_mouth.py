"""The default head's mouth: teeth that show when they should, cheeks without rims."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy import ndarray

from core.arkit import ARKIT_INDEX
from core.face_model.model import REGIONS, FaceModel
from core.face_model.registry import load_model
from core.landmark_topology import LIP_PAIRS
from core.scene.camera import portrait_camera, transform
from core.scene.rasterise import rasterise

GRIN = {"mouthSmileLeft": 0.9, "mouthSmileRight": 0.9, "jawOpen": 0.15}


@pytest.fixture(scope="module")
def anny() -> FaceModel:
    return load_model("anny")


def expressed(model: FaceModel, expression: dict[str, float]) -> ndarray:
    head = model.template.copy()
    for name, amount in expression.items():
        head += np.float32(amount) * model.expression_deltas[ARKIT_INDEX[name]]
    return head


def teeth_seen(model: FaceModel, expression: dict[str, float], row: str) -> float:
    """Visible height of a row of teeth in the middle of the face, metres, from straight ahead."""
    lips = model.landmarks(model.template)[13]
    side = 1600
    camera, rotation, translation = portrait_camera(
        (side, side), yaw=0.0, pitch=0.0, distance=1.0, target=(0.0, float(lips[1]), float(lips[2]))
    )
    posed = transform(torch.from_numpy(expressed(model, expression)), rotation, translation)
    fragments = rasterise(posed, torch.from_numpy(model.triangles), camera)
    column = slice(side // 2 - 2, side // 2 + 2)
    seen = fragments.triangle[:, column].numpy()
    region = model.region[model.triangles].max(axis=1)
    shown = (seen >= 0) & (region[seen] == REGIONS.index(row))
    return float(shown.sum(axis=0).mean()) / float(camera.fy)


def test_upper_incisors_hang_below_the_line_of_the_lips_and_cover_the_lower_ones(anny: FaceModel) -> None:
    lips = anny.landmarks(anny.template)[[13, 14]].mean(axis=0)
    upper, lower = (anny.template[anny.region_mask(f"teeth_{row}")] for row in ("upper", "lower"))
    upper_edge = upper[upper[:, 1].argmin()]
    front = lower[np.abs(lower[:, 0]) < 3e-3]
    lower_edge = front[front[:, 1].argmax()]
    assert 1.5e-3 < lips[1] - upper_edge[1] < 4.5e-3
    assert 1e-3 < lower_edge[1] - upper_edge[1] < 4e-3
    assert 0 < upper_edge[2] - lower_edge[2] < 4e-3
    assert 3e-3 < lips[2] - upper_edge[2] < 11e-3


def test_a_smile_with_an_open_jaw_shows_upper_teeth(anny: FaceModel) -> None:
    assert teeth_seen(anny, {}, "teeth_upper") == 0
    assert teeth_seen(anny, GRIN, "teeth_upper") > 2e-3
    raised = {"mouthUpperUpLeft": 1.0, "mouthUpperUpRight": 1.0, "jawOpen": 0.2}
    assert teeth_seen(anny, raised, "teeth_upper") > 5e-3
    assert teeth_seen(anny, {"jawOpen": 0.5}, "teeth_upper") > 1e-3


def test_a_smile_moves_both_lips_alike(anny: FaceModel) -> None:
    still = anny.landmarks(anny.template)
    smiling = anny.landmarks(expressed(anny, {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}))
    upper, lower = (smiling - still)[np.array(LIP_PAIRS)].transpose(1, 0, 2)
    assert upper[:, 1].min() > 1e-3
    assert (lower[:, 1] - upper[:, 1]).max() < 1e-3


def test_puffed_cheeks_have_no_rim(anny: FaceModel) -> None:
    puff = anny.expression_deltas[ARKIT_INDEX["cheekPuff"]]
    edges = np.concatenate([anny.triangles[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))])
    edges = edges[anny.region_mask("skin")[edges].all(axis=1)]
    length = np.linalg.norm(np.diff(anny.template[edges], axis=1)[:, 0], axis=1)
    change = np.linalg.norm(np.diff(puff[edges], axis=1)[:, 0], axis=1)
    long = length > 2e-3
    assert (change[long] / length[long]).max() < 0.75
    assert 0.008 < np.linalg.norm(puff, axis=1).max() < 0.013


def test_puffed_cheeks_leave_the_eyes_alone(anny: FaceModel) -> None:
    puff = anny.expression_deltas[ARKIT_INDEX["cheekPuff"]]
    assert np.abs(puff[anny.region_mask("eye_left", "eye_right", "lashes")]).max() < 1e-3
