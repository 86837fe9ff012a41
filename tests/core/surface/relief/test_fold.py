"""The usual folds: where they lie, how deep they are, and that they differ between people."""

from __future__ import annotations

import numpy as np
import pytest

from core.face_model.model import FaceModel
from core.retarget.wrinkles import WRINKLES
from core.surface.atlas import Atlas
from core.surface.relief.fold import Surface, draw_folds
from core.surface.relief.lines import FOLDS, Line

SIZE = 512


@pytest.fixture(scope="module")
def atlas(model: FaceModel) -> Atlas:
    return Atlas.of(model, SIZE)


@pytest.fixture(scope="module")
def folds(atlas: Atlas) -> dict[str, np.ndarray]:
    return draw_folds(Surface.of(atlas, atlas.model.template, seed=3))


def _middle(atlas: Atlas, heights: np.ndarray) -> np.ndarray:
    """Where most of the relief is, head space."""
    points = atlas.paint_vertices(atlas.model.template)
    weight = heights**2
    return (points * weight[..., None]).sum(axis=(0, 1)) / weight.sum()


def test_folds_are_those_that_coefficients_drive(folds: dict[str, np.ndarray]) -> None:
    # an open eye's upper lid folds by its mesh
    assert set(folds) == set(WRINKLES) - {"wrinkle_blink_left", "wrinkle_blink_right"}


def test_folds_are_valleys_of_plausible_depth_in_skin_alone(
    atlas: Atlas, folds: dict[str, np.ndarray]
) -> None:
    for name, heights in folds.items():
        assert 1e-4 < -heights.min() < 1.2e-3, name
        assert heights.max() < -heights.min(), name
        assert not heights[~atlas.covers("skin")].any(), name
        ends = max(float(np.abs(heights[0]).max()), float(np.abs(heights[-1]).max()))
        assert ends == 0, name


@pytest.mark.parametrize(
    ("name", "between"),
    [
        ("wrinkle_brow_raise", (105, 10)),
        ("wrinkle_brow_frown", (168, 151)),
        ("wrinkle_nose", (5, 9)),
        ("wrinkle_pucker", (18, 2)),
        ("wrinkle_chin", (152, 17)),
        ("wrinkle_squint_left", (280, 334)),
        ("wrinkle_smile_left", (287, 278)),
        ("wrinkle_frown_left", (379, 287)),
    ],
)
def test_folds_lie_where_they_are_called(
    atlas: Atlas, folds: dict[str, np.ndarray], name: str, between: tuple[int, int]
) -> None:
    marks = atlas.model.landmarks(atlas.model.template)
    low, high = marks[between[0], 1], marks[between[1], 1]
    middle = _middle(atlas, folds[name])
    assert low < middle[1] < high
    if name.endswith("left"):
        assert middle[0] > 0.02
    else:
        assert abs(middle[0]) < 0.006


def test_the_sides_are_alike_but_not_the_same(atlas: Atlas, folds: dict[str, np.ndarray]) -> None:
    for name in (name for name in folds if name.endswith("left")):
        left, right = folds[name], folds[name.replace("left", "right")]
        mirrored = _middle(atlas, right) * [-1, 1, 1]
        np.testing.assert_allclose(_middle(atlas, left), mirrored, atol=3e-3)
        assert not np.allclose(left, right[:, ::-1], atol=1e-5)


def test_another_person_folds_otherwise_and_the_same_alike(
    atlas: Atlas, folds: dict[str, np.ndarray]
) -> None:
    template = atlas.model.template
    again = draw_folds(Surface.of(atlas, template, seed=3))
    other = draw_folds(Surface.of(atlas, template, seed=4))
    for name, heights in folds.items():
        np.testing.assert_array_equal(heights, again[name])
        assert np.corrcoef(heights.ravel(), other[name].ravel())[0, 1] < 0.995, name


def test_folds_grow_with_the_head(atlas: Atlas, folds: dict[str, np.ndarray]) -> None:
    """Widths and depths are millimetres on the skin, not parts of the layout."""
    larger = draw_folds(Surface.of(atlas, 1.3 * atlas.model.template, seed=3))["wrinkle_smile_left"]
    usual = folds["wrinkle_smile_left"]
    # the line is as deep and as wide, so it covers less of a layout that shows more skin
    covered = [float((np.abs(h) > 1e-4).mean()) for h in (usual, larger)]
    assert covered[1] < 0.9 * covered[0]
    assert larger.min() == pytest.approx(usual.min(), rel=0.35)


def test_anchors_are_shares_of_landmarks() -> None:
    for folds in FOLDS.values():
        for line in (fold for fold in folds if isinstance(fold, Line)):
            for anchor in line.anchors:
                assert sum(anchor.values()) == pytest.approx(1)
                assert all(0 <= mark < 468 for mark in anchor)
