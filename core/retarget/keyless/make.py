"""A head without shape keys → the rig's 52 on it. The whole job, from top to bottom."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from core.arkit import ARKIT_NAMES
from core.deformation.expressions import personalise_expressions
from core.documents import pack_arrays
from core.errors import LandmarksMissing
from core.face_model.model import FaceModel
from core.geometry.alignment import fit_sphere
from core.geometry.closest import closest_points
from core.progress import Progress
from core.retarget.keyless.detect import find_face
from core.retarget.keyless.landmarks import NAMED, NEEDED, Landmarks, edited
from core.retarget.keyless.mesh import Surface, TargetMesh, check_mesh, weld
from core.retarget.keyless.parts import Parts, find_parts
from core.retarget.keyless.placement import Placement, fit_similarity
from core.retarget.keyless.registration import TargetSkin, register
from core.retarget.keyless.sides import find_sides
from core.retarget.keyless.source import rig_model
from core.retarget.keyless.transfer import ShapeTransfer, transfer_shapes
from core.rig import Rig
from core.workers import one_library_thread

EXPECTED_SECONDS: Final = {"landmarks": 4.0, "registration": 9.0, "expressions": 1.0, "shape keys": 8.0}
"""The stages of :func:`make_shape_keys`, for a ``Progress``."""

_LASHES: Final = re.compile(r"lash|wimper|cilia|hair|haar|scalp", re.IGNORECASE)
_POOR: Final = 2e-3  # metres of rig: median distance of a registration that went wrong


@dataclass(frozen=True)
class ShapeKeys:
    """What a mesh gets.

    Attributes:
        offsets: of its vertices, in its own coordinates and unit, for coefficient 1 of ``ARKIT_NAMES``.
        landmarks: where the face was found, in the same coordinates.
        warnings: what the user should know, in sentences.
    """

    offsets: Float32[ndarray, "52 vertices 3"]
    landmarks: Landmarks
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Laid:
    """The rig's head laid onto a mesh, in the rig's space.

    Attributes:
        model: the rig.
        settled: its vertices on the mesh.
        surface: the mesh without seams.
        target: the mesh's skin.
        parts: the mesh's loose parts.
        landmarks: in the mesh's own coordinates.
        placement: of the mesh in the rig's space.
    """

    model: FaceModel
    settled: Float[ndarray, "model_vertices 3"]
    surface: Surface
    target: TargetSkin
    parts: Parts
    landmarks: Landmarks
    placement: Placement


@one_library_thread()  # so that sums, and with them the keys, do not depend on the number of cores
def make_shape_keys(
    rig: Rig,
    mesh: TargetMesh,
    points: Mapping[str, Float[ndarray, "3"]] | None = None,
    progress: Progress | None = None,
) -> ShapeKeys:
    """Carry the rig's 52 shapes over to a head that has none.

    The registered rig is treated as a person: its shapes are made to fit their lids, jaw and eyeballs, and
    then carried over to the mesh that lies under it.

    Args:
        points: landmarks placed by hand, by the names of :data:`core.retarget.keyless.landmarks.NAMED`, in
            the mesh's coordinates.
        progress: must know ``EXPECTED_SECONDS``' stages.

    Raises:
        MeshUnusable: the mesh is damaged, empty or flat.
        LandmarksMissing: no face is seen on it, and too few points are given.
        BadInput: the rig is not one of Semblance's.
        Cancelled: the user asked to stop.
    """
    progress = progress or Progress(EXPECTED_SECONDS)
    laid = lay_on(rig, mesh, points, progress)
    with progress.stage("expressions"):
        shapes = personalise_expressions(laid.model, laid.settled.astype(np.float32)).astype(np.float64)
    with progress.stage("shape keys"):
        transfer = ShapeTransfer(laid.model, laid.settled, laid.target, laid.parts, laid.surface.around)
        moved = transfer_shapes(transfer, shapes, progress.update)
    offsets = laid.placement.turn_to_mesh(moved)[:, laid.surface.of_vertex]
    return ShapeKeys(offsets.astype(np.float32), laid.landmarks, _warnings(laid))


def lay_on(
    rig: Rig, mesh: TargetMesh, points: Mapping[str, Float[ndarray, "3"]] | None, progress: Progress
) -> Laid:
    """The first two stages of :func:`make_shape_keys`: find the face, and register the rig to it."""
    with progress.stage("landmarks"):
        check_mesh(mesh)
        model = rig_model(rig)
        surface, landmarks, placement, skin = _find(model, mesh, points, progress)
    vertices = placement.to_rig(surface.vertices)
    triangles = surface.triangles[np.isin(surface.component[surface.triangles[:, 0]], skin)]
    places = placement.to_rig(landmarks.positions)
    sides = find_sides(vertices, triangles, places, landmarks.known)
    target = TargetSkin(vertices, triangles, places, landmarks.known, sides)
    with progress.stage("registration"):
        settled = register(model, target, progress.update)
        parts = find_parts(surface, vertices, skin, model, settled)
        _put_in_eyes(model, settled, parts)
    return Laid(model, settled, surface, target, parts, landmarks, placement)


def _find(
    model: FaceModel, mesh: TargetMesh, points: Mapping[str, ndarray] | None, progress: Progress
) -> tuple[Surface, Landmarks, Placement, ndarray]:
    """The seamless surface, its landmarks, its place in the rig's space and which parts are skin."""
    surface = weld(mesh)
    rig_landmarks = model.landmarks(model.template).astype(np.float64)
    named = np.array([bool(_LASHES.search(name)) for name in mesh.object_names])
    hidden = np.zeros(len(surface.vertices), bool)
    hidden[surface.of_vertex[named[mesh.object_of_vertex]]] = True
    shown = ~hidden[surface.triangles].any(axis=1)
    if not shown.any():
        shown[:] = True
    colours = None
    if mesh.colours is not None and np.ptp(mesh.colours, axis=0).max() > 0.1:
        colours = np.zeros_like(surface.vertices)
        colours[surface.of_vertex] = mesh.colours
    hint = None
    if points and all(name in points for name in NEEDED):
        wanted = [NAMED[name] for name in points]
        hint = fit_similarity(np.array(list(points.values())), rig_landmarks[wanted])[0]
    seen = find_face(surface, shown, colours, model, hint, progress.update)
    if seen is None and hint is None:
        raise LandmarksMissing(
            "No face was recognised on the mesh.",
            "Place the landmarks by hand in Blender, or name a file of them with --landmarks.",
        )
    landmarks = edited(seen.landmarks if seen else None, points)
    assert landmarks is not None
    if seen is None:
        assert hint is not None
        return surface, landmarks, hint, _skin_under(surface, landmarks)
    if points:
        known = landmarks.known
        placement, _ = fit_similarity(landmarks.positions[known], rig_landmarks[known])
        return surface, landmarks, placement, seen.skin
    return surface, landmarks, seen.placement, seen.skin


def _skin_under(surface: Surface, landmarks: Landmarks) -> ndarray:
    """The connected part that most landmarks lie nearest to."""
    places = landmarks.positions[landmarks.known]
    found = closest_points(places, surface.vertices, surface.triangles).triangle
    return np.array([np.bincount(surface.component[surface.triangles[found, 0]]).argmax()])


def _put_in_eyes(model: FaceModel, settled: Float[ndarray, "vertices 3"], parts: Parts) -> None:
    """Give the registered rig the mesh's eyeballs, on which its lids are to close; in place."""
    for region, ball in parts.balls.items():
        own = model.region_mask(region)
        centre, radius = fit_sphere(settled[own])
        settled[own] = ball.centre + ball.radius / radius * (settled[own] - centre)


def _warnings(laid: Laid) -> tuple[str, ...]:
    parts, found = laid.parts, []
    if len(parts.balls) < 2:
        found.append("No eyeballs were found on the mesh: the eyeLook keys move its lids alone.")
    if not len(parts.mouth):
        found.append("No teeth were found inside the mesh's mouth.")
    if not parts.tongue.any():
        found.append("No tongue was found on the mesh: tongueOut does not move any.")
    face = np.unique(laid.model.triangles[laid.model.landmark_triangles])
    face = face[laid.model.region_mask("skin")[face]]
    far = closest_points(laid.settled[face], laid.target.vertices, laid.target.triangles).distance
    if np.median(far) > _POOR:
        found.append("The head did not fit the mesh well. Check the landmarks, and move those that are off.")
    return tuple(found)


def save_shape_keys(keys: ShapeKeys, path: Path) -> None:
    """The ``.npz`` that Blender's side reads: ``names`` and ``offsets`` (52, vertices, 3)."""
    path.write_bytes(pack_arrays({"names": np.array(ARKIT_NAMES), "offsets": keys.offsets}))
