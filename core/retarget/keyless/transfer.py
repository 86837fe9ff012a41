"""The 52 shapes of the registered rig, carried over to the mesh that it lies on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from core.arkit import ARKIT_NAMES
from core.deformation.between_meshes import GradientTransfer
from core.deformation.expressions import STILL
from core.deformation.eyelids import gaze_turn
from core.deformation.interior import skin_components
from core.face_model.model import FaceModel
from core.geometry.alignment import fit_rigid
from core.geometry.closest import closest_points
from core.geometry.smooth import smoothstep
from core.retarget.keyless.parts import Parts
from core.retarget.keyless.registration import TargetSkin
from core.retarget.keyless.sides import closest_on_side, find_sides
from core.scene.shading import vertex_normals

_TRUST: Final = 0.3
_NEAR, _FAR = 0.003, 0.012  # metres from the rig: all followed, nothing
_STILL: Final = (2 * STILL, 3e-4)  # metres the rig moves: nothing and all of a transferred motion is kept
_TONGUE_NEIGHBOURS: Final = 6
_LASH_ROUNDS: Final = 4


class ShapeTransfer:
    """Carries displacements of the registered rig to a mesh.

    Args:
        model, settled: the rig and its head on the mesh.
        target: the mesh's skin.
        parts: the mesh's loose parts.
        around: (vertices, vertices), averages over the neighbours on the mesh.
    """

    def __init__(
        self,
        model: FaceModel,
        settled: Float[ndarray, "model_vertices 3"],
        target: TargetSkin,
        parts: Parts,
        around: csr_array,
    ) -> None:
        self._model, self._settled, self._target, self._parts = model, settled, target, parts
        connected = skin_components(model)
        own = model.triangles[connected[model.triangles].all(axis=1)].astype(np.int64)
        source_sides = find_sides(
            settled, own, model.landmarks(settled.astype(np.float32)).astype(np.float64)
        )
        self._triangles = own
        sides = source_sides.of_triangles(own)

        vertices, triangles = target.vertices, target.triangles
        normals = _normals(vertices, triangles)
        self._skin = np.unique(triangles)
        away, trust = self._find_near(sides, normals)
        followed, barycentrics = self._find_followed(sides)
        # beyond the rig nothing moves
        held = np.ones(len(vertices), bool)
        held[self._skin] = away > _FAR
        held[np.unique(triangles[followed >= 0])] = False
        self._solver = GradientTransfer(
            source=settled,
            source_triangles=own,
            target=vertices,
            target_triangles=triangles,
            followed=followed,
            barycentrics=barycentrics,
            trust=trust,
            held=held,
        )
        self._held = held
        self._normals_of_skin = normals
        self._around = around
        self._roots = (
            closest_points(vertices[parts.attached], vertices, triangles) if len(parts.attached) else None
        )

    def _find_near(self, sides: ndarray, normals: ndarray) -> tuple[ndarray, ndarray]:
        """The place on the rig nearest to each vertex of the skin, whose displacement it keeps near to.

        Returns:
            distance of the skin's vertices; and each vertex's trust in that displacement, less where the rig
            is far or faces another way.
        """
        target, own, skin = self._target, self._triangles, self._skin
        found = closest_on_side(
            target.vertices[skin], target.sides.label[skin], normals[skin], self._settled, own, sides
        )
        facing = self._facing(own[found.triangle], found.barycentrics, normals[skin])
        self._near_corners, self._near_weights = own[found.triangle], found.barycentrics
        self._follow = 1 - smoothstep(found.distance, _NEAR, _FAR)
        trust = np.zeros(len(target.vertices))
        trust[skin] = _TRUST * self._follow * smoothstep(facing, 0.0, 0.5)
        return found.distance, trust

    def _find_followed(self, sides: ndarray) -> tuple[ndarray, ndarray]:
        """The rig's triangle that each of the mesh's follows, -1 for none, and where on it (barycentrics)."""
        target, own = self._target, self._triangles
        vertices, triangles = target.vertices, target.triangles
        centres = vertices[triangles].mean(axis=1)
        flat = np.cross(
            vertices[triangles[:, 1]] - vertices[triangles[:, 0]],
            vertices[triangles[:, 2]] - vertices[triangles[:, 0]],
        )
        flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-20)
        at = closest_on_side(centres, target.sides.of_triangles(triangles), flat, self._settled, own, sides)
        turned_away = self._facing(own[at.triangle], at.barycentrics, flat) < 0
        return np.where((at.distance < _FAR) & ~turned_away, at.triangle, -1), at.barycentrics

    def _facing(self, corners: ndarray, weights: ndarray, normals: ndarray) -> ndarray:
        own = _normals(self._settled, self._triangles)
        there = np.einsum("pk,pkd->pd", weights, own[corners])
        return (there * normals).sum(axis=1) / np.maximum(np.linalg.norm(there, axis=1), 1e-12)

    def skin(self, shape: Float[ndarray, "model_vertices 3"]) -> Float[ndarray, "vertices 3"]:
        """Displacement of the mesh's skin for one of the rig."""
        near = np.zeros_like(self._target.vertices)
        copied = np.einsum("pk,pkd->pd", self._near_weights, shape[self._near_corners])
        near[self._skin] = copied * self._follow[:, None]
        moved = self._solver.transfer(shape, near)
        size = np.linalg.norm(shape, axis=1)
        moving = np.zeros(len(near))
        # what the rig keeps still stays still, without an edge
        moving[self._skin] = size[self._near_corners].max(axis=1)
        share = smoothstep(moving, *_STILL)
        share[~np.isin(np.arange(len(near)), self._skin)] = 0.0
        return moved * share[:, None]

    def loose(self, shape: Float[ndarray, "model_vertices 3"], moved: Float[ndarray, "vertices 3"]) -> None:
        """Move everything that is not skin along with it, in place."""
        model, settled, parts, vertices = self._model, self._settled, self._parts, self._target.vertices
        for region, ball in parts.balls.items():
            eye = model.region_mask(region)
            if np.linalg.norm(shape[eye], axis=1).max() > STILL:
                turn = gaze_turn(settled[eye], shape[eye])
                moved[ball.vertices] = (vertices[ball.vertices] - ball.centre) @ (turn - np.eye(3)).T
        self._move_mouth(shape, moved)
        if self._roots is not None:
            self._hang(moved)

    def _move_mouth(self, shape: ndarray, moved: ndarray) -> None:
        """Lower teeth go rigidly as the rig's do, the tongue as the rig's tongue around it."""
        own, model, settled = self._parts.mouth, self._model, self._settled
        teeth, tongue = model.region_mask("teeth_lower"), model.region_mask("tongue")
        if not len(own) or not teeth.any():
            return
        here = self._target.vertices[own]
        turn, shift = fit_rigid(settled[teeth], settled[teeth] + shape[teeth])
        share = self._parts.jaw[:, None]
        way = (
            share * (here @ turn.T + shift - here)
            if np.abs(shape[teeth]).max() > STILL
            else np.zeros_like(here)
        )
        if tongue.any() and self._parts.tongue.max() > 0:
            distance, nearest = cKDTree(settled[tongue]).query(here, _TONGUE_NEIGHBOURS)
            weight = 1 / (distance + 1e-3) ** 2
            weight /= weight.sum(axis=1, keepdims=True)
            licks = np.einsum("pk,pkd->pd", weight, shape[tongue][nearest])
            way += self._parts.tongue[:, None] * (licks - way)
        moved[own] = way

    def _hang(self, moved: ndarray) -> None:
        """Lashes, brows and rims of tears: shifted and turned as the skin at their roots."""
        target, own, roots = self._target, self._parts.attached, self._roots
        assert roots is not None
        corners = target.triangles[roots.triangle]
        shift = np.einsum("pk,pkd->pd", roots.barycentrics, moved[corners])
        after = _normals(target.vertices + moved, target.triangles)
        a = _unit(np.einsum("pk,pkd->pd", roots.barycentrics, self._normals_of_skin[corners]))
        b = _unit(np.einsum("pk,pkd->pd", roots.barycentrics, after[corners]))
        arm = target.vertices[own] - roots.position
        # Rodrigues' rotation from one normal to the other
        axis = np.cross(a, b)
        cosine = (a * b).sum(axis=1, keepdims=True)
        turned = (
            arm * cosine + np.cross(axis, arm)
            + axis * (axis * arm).sum(axis=1, keepdims=True) / np.maximum(1 + cosine, 0.1)
        )  # fmt: skip
        result = np.zeros_like(moved)
        result[own] = shift + turned - arm
        # the nearest skin changes from one lid to the other where lashes meet: bend, do not break
        for _ in range(_LASH_ROUNDS):
            result[own] = 0.5 * result[own] + 0.5 * (self._around @ result)[own]
        moved[own] = result[own]


def transfer_shapes(
    transfer: ShapeTransfer,
    shapes: Float[ndarray, "52 model_vertices 3"],
    report: Callable[[float], None] = lambda fraction: None,
) -> Float[ndarray, "52 vertices 3"]:
    """All shapes of the registered rig on the mesh, metres of the rig's space."""
    result = []
    for index in range(len(ARKIT_NAMES)):
        report(index / len(ARKIT_NAMES))
        moved = transfer.skin(shapes[index])
        transfer.loose(shapes[index], moved)
        result.append(moved)
    return np.stack(result)


def _normals(vertices: ndarray, triangles: ndarray) -> ndarray:
    return vertex_normals(torch.from_numpy(vertices), torch.from_numpy(triangles)).numpy()


def _unit(vectors: ndarray) -> ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
