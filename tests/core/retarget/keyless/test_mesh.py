"""Meshes that get shape keys: read, checked, welded; lips told apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import MeshUnusable
from core.face_model.model import FaceModel
from core.retarget.keyless.mesh import read_mesh, weld
from core.retarget.keyless.sides import find_sides
from tests.core.retarget.keyless.conftest import character
from tests.core.retarget.keyless.meshes import ball, write_mesh


def test_meshes_travel_in_npz(tmp_path: Path) -> None:
    mesh = ball()
    write_mesh(mesh, tmp_path / "mesh.npz")
    back = read_mesh(tmp_path / "mesh.npz")
    for name in ("vertices", "polygon_vertices", "polygon_starts", "object_of_vertex"):
        np.testing.assert_array_equal(getattr(back, name), getattr(mesh, name))
    assert back.object_names == ("mesh",) and back.colours is None


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04rest", b"text"])
def test_damaged_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mesh.npz").write_bytes(content)
    with pytest.raises(MeshUnusable, match=r"mesh\.npz cannot be read"):
        read_mesh(tmp_path / "mesh.npz")


def test_seams_are_welded_and_parts_stay_apart(anny: FaceModel) -> None:
    mesh, of_vertex = character(anny, anny.template)
    surface = weld(mesh)
    assert len(surface.vertices) < len(mesh.vertices)
    np.testing.assert_allclose(surface.vertices[surface.of_vertex], mesh.vertices)
    part = surface.component[surface.of_vertex]
    skin = np.unique(part[anny.region_mask("skin")[of_vertex]])
    assert len(skin) == 1
    assert skin[0] not in part[anny.region_mask("eye_left", "teeth_lower", "lashes")[of_vertex]]


def test_inside_out_parts_are_turned(anny: FaceModel) -> None:
    mesh = ball()
    inside_out = mesh.polygon_vertices.reshape(-1, 4)[:, ::-1].ravel()
    a, b = (weld(type(mesh)(mesh.vertices, c, mesh.polygon_starts, mesh.object_of_vertex)) for c in
            (mesh.polygon_vertices, inside_out))  # fmt: skip
    for surface in (a, b):
        corners = surface.vertices[surface.triangles]
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        assert ((normal * corners.mean(axis=1)).sum(axis=1) > 0).all()


def test_upper_and_lower_lips_and_lids_are_told_apart(anny: FaceModel) -> None:
    label = find_sides(
        anny.template.astype(np.float64),
        anny.triangles.astype(np.int64),
        anny.landmarks(anny.template).astype(np.float64),
    ).label
    corners = anny.triangles[anny.landmark_triangles]
    for above, below, number in ((13, 14, 1), (82, 87, 1), (159, 145, 2), (386, 374, 3)):
        assert (label[corners[above]] == number).any() and (label[corners[below]] == -number).any()
    drop = anny.expression_deltas[anny.expression_names.index("jawOpen"), :, 1]
    assert drop[label == -1].mean() < drop[label == 1].mean() - 0.01
