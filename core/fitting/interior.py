"""Eyeballs, teeth, tongue, lashes and the insides of mouth and sockets: carried along with the skin."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Float32
from numpy import ndarray
from scipy.sparse import csr_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from core.face_model.building import fit_rigid, fit_sphere, vertex_neighbours
from core.face_model.closest import ClosestPoints, closest_points
from core.face_model.model import JOINTS, FaceModel
from core.fitting.eyelids import find_eyelids

_TEETH_REACH = 0.02  # metres over which skin counts as near the teeth
_SCALE_LIMITS = (0.8, 1.25)
_BASIS_RIDGE = 1e-7  # square metres: skin off by 0.3 mm costs as much as one standard deviation


def neighbour_matrix(model: FaceModel) -> csr_array:
    """Row-normalised adjacency of the model's polygon edges."""
    return vertex_neighbours(model.polygon_vertices, model.polygon_starts, model.vertex_count)


def skin_components(model: FaceModel) -> Bool[ndarray, "vertices"]:
    """Vertices connected with the skin: skin, and what continues it into mouth and sockets."""
    label = connected_components(neighbour_matrix(model), directed=False)[1]
    return np.isin(label, np.unique(label[model.region_mask("skin")]))


def lash_roots(model: FaceModel) -> ClosestPoints:
    """The place on the lids' edges (the skin, where there are none) nearest to each lash, on the template."""
    lashes = model.region_mask("lashes")
    edge = np.zeros(model.vertex_count, bool)
    for lids in find_eyelids(model):
        edge[lids.edge] = True
    if not edge.any():
        edge = model.region_mask("skin")
    skin = np.flatnonzero(edge[model.triangles].all(axis=1))
    nearest = closest_points(model.template[lashes], model.template, model.triangles[skin])
    return ClosestPoints(nearest.distance, skin[nearest.triangle], nearest.barycentrics, nearest.position)


def at_roots(
    model: FaceModel, roots: ClosestPoints, values: Float[ndarray, "vertices 3"]
) -> Float[ndarray, "lashes 3"]:
    """Per-vertex values at the lashes' roots."""
    return np.einsum("lk,lkd->ld", roots.barycentrics, values[model.triangles[roots.triangle]])


def follow_rigidly(
    rest: Float[ndarray, "points 3"],
    delta: Float[ndarray, "points 3"],
    person: Float[ndarray, "points 3"],
    gain: float,
) -> Float[ndarray, "points 3"]:
    """A part's motion on the template, done by the person's part: the same turn, the way scaled by ``gain``.

    What is not rigid in the motion is scaled with the part's size.
    """
    rest, delta = rest.astype(np.float64), delta.astype(np.float64)
    rotation, translation = fit_rigid(rest, rest + delta)
    centre = rest.mean(axis=0)
    rigid = rest @ rotation.T + translation - rest
    size = np.linalg.norm(person - person.mean(axis=0)) / np.linalg.norm(rest - centre)
    shift = rotation @ centre + translation - centre
    own = (person - person.mean(axis=0)) @ (rotation - np.eye(3)).T
    return own + gain * shift + size * (delta - rigid)


def jaw_gain(
    model: FaceModel,
    neutral: Float[ndarray, "vertices 3"],
    skin_delta: Float[ndarray, "vertices 3"],
    template_delta: Float[ndarray, "vertices 3"],
    scale: float,
) -> float:
    """How far the person's jaw travels, compared with the template's, by the skin that the jaw carries."""
    weight = model.skin_weights[:, JOINTS.index("jaw")] * model.region_mask("skin")
    if weight.max() <= 0:
        return scale
    a = np.einsum("v,vd->d", weight, template_delta) / weight.sum()
    b = np.einsum("v,vd->d", weight, skin_delta) / weight.sum()
    if np.linalg.norm(a) < 1e-4:
        return scale
    return float(np.clip(a @ b / (a @ a), *(scale * np.array(_SCALE_LIMITS))))


def settle_neutral(
    model: FaceModel,
    neutral: Float32[ndarray, "vertices 3"],
    base: Float32[ndarray, "vertices 3"] | None = None,
) -> Float32[ndarray, "vertices 3"]:
    """Bring everything that is not skin to where the skin of a corrected neutral wants it.

    The skin stays as it is. Eyeballs move and grow as their lid margins do (one size for both), teeth and
    tongue as the skin around them; lashes stay on their lids; the insides of mouth and sockets continue the
    skin's displacement biharmonically, so nothing tears at the rims.

    Args:
        neutral: only its skin is read.
        base: the model's own head before the correction; the nearest one in the identity basis where not
            given.
    """
    base = _nearest_head(model, neutral) if base is None else base
    skin = model.region_mask("skin")
    moved = np.where(skin[:, None], neutral.astype(np.float64) - base, 0.0)
    result = base.astype(np.float64) + moved
    _continue_inside(model, moved)
    result += np.where((skin_components(model) & ~skin)[:, None], moved, 0.0)
    _settle_eyeballs(model, base.astype(np.float64), result)
    _settle_mouth(model, base.astype(np.float64), moved, result)
    lashes = model.region_mask("lashes")
    if lashes.any():
        result[lashes] += at_roots(model, lash_roots(model), moved)
    return result.astype(np.float32)


def _nearest_head(model: FaceModel, neutral: Float32[ndarray, "vertices 3"]) -> Float32[ndarray, "vertices 3"]:
    skin = model.region_mask("skin")
    basis = model.identity_basis[:, skin].reshape(len(model.identity_basis), -1)
    off = (neutral[skin] - model.template[skin]).ravel()
    normal = basis @ basis.T / skin.sum()
    normal[np.diag_indices(len(normal))] += _BASIS_RIDGE
    return model.neutral(np.linalg.solve(normal, basis @ off / skin.sum()).astype(np.float32))


def _continue_inside(model: FaceModel, moved: Float[ndarray, "vertices 3"]) -> None:
    """Biharmonic extension of the skin's displacement over what is connected with it, in place."""
    free = np.flatnonzero(skin_components(model) & ~model.region_mask("skin"))
    if len(free) == 0:
        return
    laplacian = csr_array(diags_array(np.ones(model.vertex_count)) - neighbour_matrix(model))
    # only where the stencil's skin end is given; the skin's own curvature is not to be smoothed
    inside = laplacian[free]
    squared = csr_array(inside.T @ inside)
    rows = squared[free]
    moved[free] = splu(rows[:, free].tocsc()).solve(-(rows @ moved))


def _settle_eyeballs(model: FaceModel, base: ndarray, result: ndarray) -> None:
    """Similarities without turn, from lid margins before and after, in place."""
    eyelids = find_eyelids(model)
    fits = []
    for lids in eyelids:
        margin = np.r_[lids.upper, lids.lower, lids.corners]
        before, after = base[margin], result[margin]
        centred = before - before.mean(axis=0)
        scale = (centred * (after - after.mean(axis=0))).sum() / (centred**2).sum()
        fits.append((margin, float(np.clip(scale, *_SCALE_LIMITS))))
    if not fits:
        return
    scale = float(np.mean([s for _, s in fits]))
    for lids, (margin, _) in zip(eyelids, fits, strict=True):
        centre, _ = fit_sphere(base[lids.eyeball])
        # the margins keep their place on the eyeball, on average
        seat = base[margin].mean(axis=0) - centre
        new_centre = result[margin].mean(axis=0) - scale * seat
        result[lids.eyeball] = new_centre + scale * (base[lids.eyeball] - centre)


def _settle_mouth(model: FaceModel, base: ndarray, moved: ndarray, result: ndarray) -> None:
    """Teeth and tongue follow the nearby skin of their own jaw by translation and scale, in place."""
    jaw = model.skin_weights[:, JOINTS.index("jaw")].astype(np.float64)
    skin = model.region_mask("skin")
    for regions, carrier in ((("teeth_upper",), 1 - jaw), (("teeth_lower", "tongue"), jaw)):
        part = model.region_mask(*regions)
        if not part.any():
            continue
        # without the tongue, which reaches far back
        core = model.region_mask(regions[0]) if model.region_mask(regions[0]).any() else part
        middle = base[core].mean(axis=0)
        distance = np.linalg.norm(base - middle, axis=1)
        weight = np.where(skin, carrier, 0) * np.exp(-0.5 * (distance / _TEETH_REACH) ** 2)
        if weight.sum() < 1e-6:
            continue
        weight /= weight.sum()
        centre, shift = weight @ base, weight @ moved
        spread = base - centre
        scale = 1 + (weight * (spread * (moved - shift)).sum(axis=1)).sum() / (
            weight * (spread**2).sum(axis=1)
        ).sum()
        scale = float(np.clip(scale, *_SCALE_LIMITS))
        result[part] = centre + shift + scale * (base[part] - centre)
