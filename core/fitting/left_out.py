"""How well a head explains photos that are left out: evidence by which a refinement is kept or taken back.

Every point of the skin has one albedo in all photos. Where a photo is left out, the others say what its
points look like (INORig eq. 8 and 10), and all that is asked of the photo itself is its light (eq. 11): nine
numbers a channel for a thousand points. A head of another shape puts the colours of other points there. Flow
between photos is fitted by where things lie, not by how they look, so it has no part in this figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from numpy import ndarray

from core.face_model.model import FaceModel
from core.fitting.dense import DenseFit
from core.fitting.view_flow import SkinView, ViewFlow, sees
from core.images import sample_image
from core.scene.lighting import fit_lighting, shade

_ROUNDS: Final = 3  # of light and albedo in turns
_SEEN: Final = 0.3  # visibility times skin from which a point counts
_FEWEST: Final = 50  # points that a photo must share with the others to be judged
_DARKEST: Final = 0.02  # shade that no point falls below
_WORSE: Final = 1.05  # times the error of before: a refinement that is worse by more is taken back


def left_out_errors(flow: ViewFlow, model: FaceModel, fit: DenseFit) -> Float[ndarray, "photos"]:
    """Median difference of linear colours, for each photo left out in turn; NaN where too little is shared.

    Args:
        flow: of the photos; its points are compared.
        fit: identity, correction, and the photos' poses, expressions and light.
    """
    neutral = model.neutral(fit.identity.astype(np.float32)) + fit.correction
    views = flow.views(neutral, fit.photos)
    seen = [_seen(view, flow.surface(view)) for view in views]
    colours, normals, trust = (np.stack(part) for part in zip(*seen, strict=True))
    lights = np.stack([view.sh for view in views]).astype(np.float64)
    for _ in range(_ROUNDS):
        albedo = _albedo(colours, _shades(normals, lights), trust)
        lights = np.stack(
            [fit_lighting(c, albedo, n, t) for c, n, t in zip(colours, normals, trust, strict=True)]
        )
    shades = _shades(normals, lights)
    return np.array([_judged(photo, colours, normals, shades, trust)[1] for photo in range(len(views))])


def explains_no_worse(flow: ViewFlow, model: FaceModel, before: DenseFit, after: DenseFit) -> bool:
    """Whether a refinement explains photos that are left out about as well as the fit that it started from.

    What was there before minimises colours itself, on all photos, and is ahead by that; so the refinement
    may be behind by a little.
    """
    ratio = left_out_errors(flow, model, after) / left_out_errors(flow, model, before)
    return not np.isfinite(ratio).any() or float(np.exp(np.nanmean(np.log(ratio)))) < _WORSE


def light_by_others(
    flow: ViewFlow, views: Sequence[SkinView], photo: int
) -> tuple[Float[ndarray, "9 3"], float]:
    """Light of a photo by what the others show of its skin, and its median difference of linear colours.

    Args:
        views: of the flow's photos; the light of all but this one is known.
    """
    seen = [_seen(view, flow.surface(view)) for view in views]
    colours, normals, trust = (np.stack(part) for part in zip(*seen, strict=True))
    lights = np.stack([view.sh for view in views]).astype(np.float64)
    return _judged(photo, colours, normals, _shades(normals, lights), trust)


def _seen(
    view: SkinView, surface: Float[ndarray, "points 6"]
) -> tuple[Float[ndarray, "points 3"], Float[ndarray, "points 3"], Float[ndarray, "points"]]:
    """Linear colours, unit normals (camera axes) and trust of points in one view."""
    at, visible = sees(view, surface)
    normals = F.normalize(torch.from_numpy(surface[:, 3:]), dim=1).numpy().astype(np.float64)
    trust = visible * sample_image(view.skin, at)
    return sample_image(view.colours, at).astype(np.float64), normals, trust.astype(np.float64)


def _shades(
    normals: Float[ndarray, "photos points 3"], lights: Float[ndarray, "photos 9 3"]
) -> Float[ndarray, "photos points 3"]:
    lit = [shade(torch.from_numpy(n), torch.from_numpy(sh)) for n, sh in zip(normals, lights, strict=True)]
    return torch.stack(lit).clamp_min(_DARKEST).numpy()


def _albedo(
    colours: Float[ndarray, "photos points 3"],
    shades: Float[ndarray, "photos points 3"],
    trust: Float[ndarray, "photos points"],
) -> Float[ndarray, "points 3"]:
    """Least squares of ``t (c - a s)²``: a = Σ t c s / Σ t s²; 0 where nothing is seen."""
    t = trust[..., None]
    albedo: ndarray = (t * colours * shades).sum(axis=0) / np.maximum((t * shades**2).sum(axis=0), 1e-6)
    return albedo


def _judged(
    photo: int, colours: ndarray, normals: ndarray, shades: ndarray, trust: ndarray
) -> tuple[ndarray, float]:
    """Light of one photo by the albedo of the others, and the median of |c - a s| in it."""
    others = np.arange(len(colours)) != photo
    albedo = _albedo(colours[others], shades[others], trust[others])
    shared = trust[photo] * (trust[others].sum(axis=0) > _SEEN)
    judged = shared > _SEEN
    light = fit_lighting(colours[photo], albedo, normals[photo], shared)
    if judged.sum() < _FEWEST:
        return light, float("nan")
    apart = colours[photo] - albedo * _shades(normals[photo][None], light[None])[0]
    return light, float(np.median(np.linalg.norm(apart[judged], axis=1)))
