"""How much each photo counts at each texel."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from core.arkit import ARKIT_INDEX
from core.fitting.types import FittedHead
from core.geometry.smooth import smoothstep
from core.images import look_up, sample_image
from core.surface.atlas import Atlas
from core.surface.brows import brows_are_hidden
from core.surface.delight import Light
from core.surface.view import View, visibility
from core.surface.zones import Zones

_FOREIGN = 0.62  # log distance from the skin's tone where a forehead's texel is certainly hair or cloth
_ROUGH = 0.22  # local deviation of log colour where it is
_SHADOW = (0.25, 0.60)  # light, relative to the lit side's, between which a photo gains trust
_DARKER = (0.45, 0.80)  # light, relative to the mirrored place's, between which a photo gains trust
_FOLDED = (1.4, 2.4)  # times that a closing eye stretches the lid, between which photos lose trust
_SLIVER = (0.12, 0.40)  # of the usual width, between which a texel gains trust
_GRAZING, _FACING = 0.25, 0.65  # cosines between which a photo gains trust


def photo_weight(atlas: Atlas, zones: Zones, view: View) -> Float32[ndarray, "size size"]:
    """Trust in one photo by what it sees: visibility × angle × skin, before its sharpness counts.

    In the beard zone and at brows, eyes, lips and nostrils a pixel need not look like skin; inside open
    eyes and mouths nothing counts, as the skin there is folded away.
    """
    seen, cosine = visibility(atlas, view)
    angle = smoothstep(cosine, _GRAZING, _FACING) * np.clip(cosine, 0, 1)
    where = atlas.paint_vertices(view.pixels)
    usual = max(float(np.median(_widths(where)[1][zones.face > 0.5])), 1e-6)  # photo pixels per texel
    stretch = _stretch(atlas, where, usual)
    where = where.reshape(-1, 2)
    masks = sample_image(np.dstack([view.skin, view.person, view.opening]), where)
    skin, person, opening = np.moveaxis(masks.reshape(*seen.shape, 3), -1, 0)
    accepted = np.maximum.reduce([skin, zones.features, zones.beard]) * np.clip(2 * person - 0.5, 0, 1)
    # outlines of nose and cheeks in front of others are never where the model has them
    far = max(1, round(0.010 * atlas.size))
    clear = cv2.erode(np.maximum(seen, zones.rims), np.ones((2 * far + 1, 2 * far + 1), np.uint8))
    seen = seen * cv2.GaussianBlur(clear, (0, 0), 0.5 * far)
    # what lies next to something hidden or foreign is trusted less too
    radius = max(1, round(max(0.004 * atlas.size, 1.5 / usual)))
    safe = cv2.erode(seen * accepted, np.ones((2 * radius + 1, 2 * radius + 1), np.uint8))
    safe = cv2.GaussianBlur(safe, (0, 0), 0.004 * atlas.size) * (seen * accepted)
    weight = safe * angle * zones.face * (1 - opening) * stretch
    weight[atlas.triangle < 0] = 0
    return weight.astype(np.float32)


def _widths(where: ndarray) -> tuple[ndarray, ndarray]:
    """Smaller and larger extent of each texel in the photo, pixels."""
    across = np.diff(where, axis=1, append=where[:, -1:])
    down = np.diff(where, axis=0, append=where[-1:])
    a, b = (across**2).sum(axis=2), (down**2).sum(axis=2)
    c = (across * down).sum(axis=2)
    root = np.sqrt((a - b) ** 2 + 4 * c * c)
    return np.sqrt(np.maximum(a + b - root, 0) / 2), np.sqrt((a + b + root) / 2)


def _stretch(atlas: Atlas, where: ndarray, usual: float) -> Float32[ndarray, "size size"]:
    """0 where a texel gets its colour from a sliver of the photo, 1 where it is seen at full width."""
    share = np.clip((_widths(where)[0] / usual - _SLIVER[0]) / (_SLIVER[1] - _SLIVER[0]), 0, 1)
    share = cv2.erode(share.astype(np.float32), np.ones((3, 3), np.uint8))
    return cv2.GaussianBlur(share, (0, 0), 0.003 * atlas.size)


def folded_lids(head: FittedHead) -> Float32[ndarray, "vertices"]:
    """1 at vertices where closing the eyes stretches the skin much, 0 where it hardly does.

    An open eye rolls its lid into a strip; lashes painted there would smear over the closed lid.
    """
    blink = sum(head.expression_deltas[ARKIT_INDEX[f"eyeBlink{side}"]] for side in ("Left", "Right"))
    t = head.model.triangles
    edges = np.concatenate([t[:, [0, 1]], t[:, [1, 2]], t[:, [2, 0]]])
    open_, closed = head.neutral, head.neutral + blink
    lengths = [np.linalg.norm(v[edges[:, 0]] - v[edges[:, 1]], axis=1) for v in (open_, closed)]
    ratio = lengths[1] / np.maximum(lengths[0], 1e-6)
    most = np.ones(len(head.neutral))
    np.maximum.at(most, edges.ravel(), np.repeat(ratio, 2))
    return np.clip((most - _FOLDED[0]) / (_FOLDED[1] - _FOLDED[0]), 0, 1).astype(np.float32)


def likely_skin(
    atlas: Atlas, zones: Zones, view: View, light: Light, tone: Float[ndarray, "3"]
) -> tuple[Float32[ndarray, "size size"], bool]:
    """A second look at each texel once light and tone are known, to lower its weight by: hair over the
    forehead and along the outline, and what lies in deep shadow, count for nothing; features and beard stay,
    but for brows under a fringe; whether there is one comes second.
    """
    where = atlas.paint_vertices(view.pixels).reshape(-1, 2)
    size = atlas.size
    colours = sample_image(_shrunk_to(view, atlas), where * _shrink(view, atlas)).reshape(size, size, 3)
    painted = atlas.paint_vertices(np.column_stack([light.gain / light.shading / tone, light.level]))
    relative = np.log(np.maximum(colours * painted[..., :3], 1e-3))
    away = np.abs(relative).max(axis=2)
    grey = relative.mean(axis=2)
    sigma = 0.006 * size
    rough = np.sqrt(cv2.GaussianBlur((grey - cv2.GaussianBlur(grey, (0, 0), sigma)) ** 2, (0, 0), sigma))
    like = np.clip((_FOREIGN - away) / 0.3, 0, 1) * np.clip((_ROUGH - rough) / 0.08, 0, 1)
    radius = max(1, round(0.010 * size))
    like = cv2.erode(like, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2))
    like = cv2.GaussianBlur(like, (0, 0), radius)
    fringe = brows_are_hidden(like, zones.above_brows)
    features = zones.unbrowed if fringe else zones.features
    kept = np.maximum.reduce([like, features, zones.beard, zones.middle * (1 - zones.upper)])
    lit = np.clip((painted[..., 3] - _SHADOW[0]) / (_SHADOW[1] - _SHADOW[0]), 0.05, 1)
    if fringe:  # no strand of it either
        kept = kept * (1 - zones.brows)
    return (kept * lit).astype(np.float32), fringe


def prefer_lit_side(
    atlas: Atlas,
    weight: Float32[ndarray, "size size"],
    light: Light,
    twins: Float32[ndarray, "size size 2"],
) -> Float32[ndarray, "size size"]:
    """Trust taken from the darker of two mirrored places that a photo shows, as far as it trusts the other.

    Shadow under a hard side light is noisy and its colour off, so the lit half of the face serves for both.

    Args:
        twins: from :func:`core.surface.mirror.mirror_map`.
    """
    level = np.maximum(atlas.paint_vertices(light.level[:, None])[..., 0], 0)
    twin = look_up(np.dstack([level, weight]), twins, outside_black=True)
    ratio = level / np.maximum(twin[..., 0], 1e-3)
    lit = np.clip((ratio - _DARKER[0]) / (_DARKER[1] - _DARKER[0]), 0.03, 1)
    return (weight * (1 - (1 - lit) * np.minimum(4 * twin[..., 1], 1))).astype(np.float32)


def _shrink(view: View, atlas: Atlas) -> np.float32:
    """Factor that brings the photo to about a pixel per texel."""
    across = float(np.ptp(view.landmarks[:, 0]))
    return np.float32(min(1.0, 0.4 * atlas.size / max(across, 1.0)))


def _shrunk_to(view: View, atlas: Atlas) -> Float32[ndarray, "h w 3"]:
    factor = float(_shrink(view, atlas))
    if factor == 1.0:
        return view.image
    return cv2.resize(view.image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def sharpness(atlas: Atlas, view: View, weight: Float32[ndarray, "size size"]) -> float:
    """Contrast of the finest details that the atlas could hold, where the photo counts."""
    where = atlas.paint_vertices(view.pixels).reshape(-1, 2)
    grey = sample_image(cv2.cvtColor(view.image, cv2.COLOR_RGB2GRAY), where).reshape(weight.shape)
    smooth = cv2.GaussianBlur(grey, (0, 0), 0.002 * atlas.size)
    detail = np.abs(grey - smooth) / np.maximum(smooth, 0.02)
    return float((detail * weight).sum() / max(float(weight.sum()), 1e-6))


def share_out(
    weights: list[Float32[ndarray, "size size"]], power: Float32[ndarray, "size size"] | float
) -> list[Float32[ndarray, "size size"]]:
    """Weights raised to a power and scaled to sum to 1 where any photo counts: high powers pick the best."""
    top = np.maximum(np.maximum.reduce(weights), 1e-6)
    raised = [np.power(weight / top, power) for weight in weights]
    total = np.maximum(np.add.reduce(raised), 1e-6)
    known = np.minimum(top / 1e-3, 1)
    return [(part / total * known).astype(np.float32) for part in raised]
