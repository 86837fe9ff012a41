"""What people wear and hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.face_model.model import FaceModel
from models.data.stream.things import KINDS, Things, make_things, read_things, write_things


@pytest.fixture(scope="module")
def things(anny: FaceModel) -> Things:
    return make_things(anny, np.random.default_rng(0))


def test_there_is_a_stock_of_each_kind(things: Things) -> None:
    assert tuple(things) == KINDS
    for kind, meshes in things.items():
        count, corners = len(meshes.vertices), meshes.triangles
        assert count >= 16, kind
        assert corners.min() >= 0 and corners.max() < meshes.vertices.shape[1]
        assert meshes.colour.shape == meshes.vertices.shape and meshes.colour.min() >= 0
        assert meshes.gloss.shape == corners.shape[:2] and meshes.gloss.max() <= 1
        real = (corners != corners[..., :1]).any(axis=2)
        assert real.any(axis=1).all() and real.sum(axis=1).min() > 100, kind  # none is empty
        assert (corners[~real] == 0).all()  # what fills meshes up has no area
        assert len(np.unique(meshes.vertices.reshape(count, -1), axis=0)) > count / 2 or kind == "clothes"


def test_things_are_where_they_belong(things: Things, anny: FaceModel) -> None:
    marks = anny.landmarks(anny.template)

    def middle(kind: str) -> np.ndarray:
        """Of each thing's visible corners."""
        meshes = things[kind]
        return np.stack(
            [points[np.unique(corners)].mean(axis=0) for points, corners in zip(
                meshes.vertices, meshes.triangles, strict=True
            )]
        )  # fmt: skip

    assert (middle("clothes")[:, 1] < marks[152, 1]).all()
    assert np.abs(middle("glasses") - marks[168])[:, :2].max() < 0.04
    assert (middle("microphone")[:, 1] < marks[14, 1]).all()
    assert np.linalg.norm(middle("hand") - marks[1], axis=1).max() < 0.25


def test_files_hold_the_same_things(things: Things, tmp_path: Path) -> None:
    write_things(tmp_path / "things.npz", things)
    again = read_things(tmp_path / "things.npz")
    for kind in KINDS:
        for name, array in vars(things[kind]).items():
            np.testing.assert_array_equal(getattr(again[kind], name), array)
    with np.load(tmp_path / "things.npz") as stored:
        arrays = {name: stored[name] for name in stored if not name.startswith("hand")}
    np.savez(tmp_path / "fewer.npz", **arrays)
    with pytest.raises(KeyError):
        read_things(tmp_path / "fewer.npz")
