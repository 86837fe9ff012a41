"""Relief as normals in the frame of the texture layout."""

from __future__ import annotations

import numpy as np
import pytest

from core.face_model.model import FaceModel
from core.surface.atlas import Atlas
from core.surface.relief import normal_map

SIZE = 512


@pytest.fixture(scope="module")
def atlas(model: FaceModel) -> Atlas:
    return Atlas.of(model, SIZE)


def test_a_smooth_surface_points_outwards(atlas: Atlas) -> None:
    flat = normal_map(atlas, atlas.model.template, np.zeros((SIZE, SIZE), np.float32))
    assert (np.abs(flat.astype(int) - [128, 128, 255]) <= 1).all()


@pytest.mark.parametrize(("axis", "channel"), [(1, 0), (0, 1)])
def test_a_slope_turns_normals_back_along_its_own_axis(atlas: Atlas, axis: int, channel: int) -> None:
    """A surface that rises along u points towards less u, by the angle of its slope; v is up."""
    points = atlas.paint_vertices(atlas.model.template)
    step = np.median(np.linalg.norm(np.gradient(points, axis=axis), axis=2)[atlas.covers("skin")])
    ramp = np.arange(SIZE, dtype=np.float32) * 0.3 * step  # a slope of 0.3 on a texel of usual size
    heights = np.broadcast_to(ramp if axis == 1 else -ramp[:, None], (SIZE, SIZE))
    normals = normal_map(atlas, atlas.model.template, heights) / 127.5 - 1
    front = np.linalg.norm(points - atlas.model.landmarks(atlas.model.template)[5], axis=2) < 0.03
    slopes = -(normals[..., channel] / normals[..., 2])[front & atlas.covers("skin")]
    assert 0.1 < np.median(slopes) < 0.6
    # twice the head, half the slope
    larger = normal_map(atlas, 2 * atlas.model.template, heights) / 127.5 - 1
    halved = -(larger[..., channel] / larger[..., 2])[front & atlas.covers("skin")]
    assert np.median(halved / np.maximum(slopes, 1e-3)) == pytest.approx(0.5, abs=0.05)
