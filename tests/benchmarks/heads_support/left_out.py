"""What a head explains of a photo that it was not fitted to.

The head is fitted to a person's other photos; of the photo left out, pose, lens, expression and light alone
are solved on the head held fixed.

- *Landmarks*: mean distance of the detected from the head's, without the outline and the irises, as a
  fraction of the distance of the eyes' outer corners.
- *Appearance*: the head with the albedo that the other photos gave, in light fitted to the photo left out
  (INORig eq. 11), against the photo on the bare skin of the face: mean absolute difference of linear colours
  over the photo's mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32, UInt8
from numpy import ndarray
from scipy.spatial import cKDTree

from core.fitting.landmark_solver import fit_landmarks
from core.fitting.types import FittedHead, PhotoFit
from core.landmark_topology import FACE_OVAL, IRIS_LEFT, IRIS_RIGHT
from core.photos_to_rig import in_headshot, shot_pixels
from core.scene.camera import project
from core.scene.interpolation import interpolate
from core.scene.lighting import fit_lighting, shade
from core.scene.render import render
from core.scene.shading import Texture, srgb_to_linear, vertex_normals
from core.surface.texture import build_texture
from tests.benchmarks.heads_support.case import Case
from tests.benchmarks.heads_support.fits import fit_key
from tests.benchmarks.heads_support.store import code_key, kept_arrays, key_of
from tests.benchmarks.heads_support.views import View, belief_of

_TEXELS: Final = 512
_ON_FACE: Final = 0.012  # metres from a landmark
_INNER: Final = np.setdiff1d(np.arange(478), [*FACE_OVAL, *IRIS_LEFT, *IRIS_RIGHT])
_MOST_PIXELS: Final = 20_000  # that the light is fitted to


@dataclass(frozen=True)
class LeftOut:
    """Of each photo left out in turn: its errors, and the neutral of the others."""

    landmarks: Float[ndarray, "photos"]
    appearance: Float[ndarray, "photos"]
    neutrals: Float32[ndarray, "photos vertices 3"]


def left_out(case: Case, chosen: Sequence[int], fresh: bool = False) -> LeftOut:
    """Leave each of some views out in turn."""
    rows = []
    for out in chosen:
        others = [number for number in chosen if number != out]
        key = key_of(
            fit_key(case, others), case.views[out].key, code_key("tests/benchmarks/heads_support/left_out.py")
        )
        rows.append(kept_arrays("left_out", key, partial(_without, case, others, out), fresh))
    landmarks, appearance, neutrals = (
        np.stack([row[name] for row in rows]) for name in ("landmarks", "appearance", "neutral")
    )
    return LeftOut(landmarks, appearance, neutrals)


def pose_of(head: FittedHead, view: View) -> PhotoFit:
    """Pose, lens and expression of a photo on a head that is held fixed."""
    model = replace(
        head.model,
        template=head.neutral,
        identity_basis=head.model.identity_basis[:0],
        expression_deltas=head.expression_deltas,
    )
    belief = belief_of([view])
    if belief is not None:
        belief = replace(belief, identity=None, identity_std=None)
    return fit_landmarks(model, [view.observation], identity=np.zeros(0), belief=belief).photos[0]


def landmark_error(head: FittedHead, fit: PhotoFit, view: View) -> float:
    """Mean distance of the inner landmarks, as a fraction of the eyes' distance."""
    points = torch.from_numpy(head.model.landmarks(head.posed(fit)))
    pose = (torch.from_numpy(value).float() for value in (fit.rotation, fit.translation))
    pixels = project(points, fit.camera, *pose).numpy()
    seen = view.observation
    off = np.linalg.norm(pixels - seen.landmarks[:, :2], axis=1)[_INNER]
    return float(off.mean() / seen.eye_distance)


def appearance_error(
    head: FittedHead, fit: PhotoFit, view: View, albedo: UInt8[ndarray, "size size 3"]
) -> float:
    """Mean absolute difference of the face's skin from the photo, over the photo's mean; NaN where unseen."""
    model, seen = head.model, view.observation
    opaque = ~model.region_mask("lashes")[model.triangles].any(axis=1)
    triangles = torch.from_numpy(model.triangles[opaque].astype(np.int64))
    corners = torch.from_numpy(model.triangle_corners[opaque].astype(np.int64))
    image = srgb_to_linear(torch.from_numpy(albedo.astype(np.float32) / 255))
    vertices = torch.from_numpy(head.posed(fit))
    rotation, translation = (torch.from_numpy(v).float() for v in (fit.rotation, fit.translation))
    camera = seen.crop_camera(fit.camera)
    texture = Texture(image, torch.from_numpy(model.uv), corners)
    picture = render(vertices, triangles, texture, camera, rotation, translation)
    normals = interpolate(picture.fragments, triangles, vertex_normals(vertices, triangles) @ rotation.T)

    distance, _ = cKDTree(model.landmarks(head.neutral)).query(head.neutral)
    on_face = model.region_mask("skin") & (distance < _ON_FACE)
    face = torch.from_numpy(on_face[model.triangles[opaque]].all(axis=1))
    shown = picture.fragments.covered & face[picture.fragments.triangle.clamp_min(0).long()]
    shown &= torch.from_numpy(seen.skin) > 0.5
    if not bool(shown.any()):
        return float("nan")
    photo = srgb_to_linear(torch.from_numpy(seen.image))[shown]
    surface, towards = picture.image[shown], F.normalize(normals[shown], dim=-1)
    some = slice(None, None, max(1, len(photo) // _MOST_PIXELS))
    sh = fit_lighting(*(values[some].numpy() for values in (photo, surface, towards)), ridge=1e-2)
    predicted = surface * shade(towards, torch.from_numpy(sh).float()).clamp_min(0)
    return float((predicted - photo).abs().mean() / photo.mean())


def _without(case: Case, others: Sequence[int], out: int) -> dict[str, ndarray]:
    head, view = case.fit(others), case.views[out]
    shots = [other.shot for other in case.chosen(others)]
    shown = replace(head, photos=[in_headshot(*pair) for pair in zip(head.photos, shots, strict=True)])
    albedo = build_texture(shown, [shot_pixels(shot) for shot in shots], _TEXELS).albedo
    fit = pose_of(head, view)
    return {
        "landmarks": np.array(landmark_error(head, fit, view)),
        "appearance": np.array(appearance_error(head, fit, view, albedo)),
        "neutral": head.neutral,
    }
