"""Eyeballs, teeth, tongue, lashes and the insides of mouth and sockets: carried along with the skin."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Float32
from numpy import ndarray
from scipy.sparse import csr_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from core.deformation.eyelids import find_eyelids
from core.deformation.lid_contact import LidContact
from core.face_model.building import vertex_neighbours
from core.face_model.embedding_data import has_landmarks
from core.face_model.model import JOINTS, FaceModel
from core.geometry.alignment import fit_rigid, fit_sphere
from core.geometry.closest import ClosestPoints, closest_points
from core.landmark_topology import LIPS_INNER

_TEETH_REACH = 0.02  # metres over which skin counts as near the teeth
_SCALE_LIMITS = (0.8, 1.25)
_TOOTH_WIDTH = 0.1  # of the row of teeth
_LIP_SLACK = 1.5e-3  # metres that teeth may come nearer to the lips than on the template
_FARTHEST_BACK = 6e-3
_BASIS_RIDGE = 1e-9  # square metres: skin off by 0.03 mm costs as much as one standard deviation


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

    The skin stays as it is, but for lids that an eyeball would come through: they are pushed off it. Eyeballs
    move and grow as their lid margins do (one size for both). Teeth and
    tongue go with the skin around them, and further back where they would come through the lips. Lashes
    stay on their lids. The insides of mouth and sockets continue the skin's displacement smoothly, so that
    nothing tears at the rims.

    Args:
        neutral: only its skin is read.
        base: the model's own head before the correction; the nearest one in the identity basis where not
            given.
    """
    base = _nearest_head(model, neutral) if base is None else base
    skin = model.region_mask("skin")
    moved = np.where(skin[:, None], neutral.astype(np.float64) - base, 0.0)
    result = base.astype(np.float64) + moved
    _continue_inside(model, base.astype(np.float64), moved)
    result += np.where((skin_components(model) & ~skin)[:, None], moved, 0.0)
    _settle_eyeballs(model, base.astype(np.float64), result)
    _settle_mouth(model, base.astype(np.float64), moved, result)
    _seat_teeth(model, result)
    pushed = LidContact(model).pushed(result)
    result += pushed
    moved += pushed
    lashes = model.region_mask("lashes")
    if lashes.any():
        result[lashes] += at_roots(model, lash_roots(model), moved)
    return result.astype(np.float32)


def _nearest_head(
    model: FaceModel, neutral: Float32[ndarray, "vertices 3"]
) -> Float32[ndarray, "vertices 3"]:
    skin = model.region_mask("skin")
    basis = model.identity_basis[:, skin].reshape(len(model.identity_basis), -1)
    off = (neutral[skin] - model.template[skin]).ravel()
    normal = basis @ basis.T / skin.sum()
    normal[np.diag_indices(len(normal))] += _BASIS_RIDGE
    return model.neutral(np.linalg.solve(normal, basis @ off / skin.sum()).astype(np.float32))


def _continue_inside(model: FaceModel, base: ndarray, moved: Float[ndarray, "vertices 3"]) -> None:
    """Extend the skin's displacement over what is connected with it, in place.

    Each cavity takes its rim's translation and scale; what the rim does beyond that dies away biharmonically.
    """
    skin = model.region_mask("skin")
    inside = np.flatnonzero(skin_components(model) & ~skin)
    if len(inside) == 0:
        return
    neighbours = neighbour_matrix(model)
    count, label = connected_components(neighbours[inside][:, inside], directed=False)
    laplacian = csr_array(diags_array(np.ones(model.vertex_count)) - neighbours)
    for number in range(count):
        free = inside[label == number]
        rim = np.flatnonzero(skin & (neighbours[:, free].sum(axis=1) > 0))
        even = np.full(len(rim), 1 / len(rim))
        centre, shift, scale = _similarity(even, base[rim], moved[rim])
        whole = shift + (scale - 1) * (base - centre)
        rest = np.zeros_like(moved)
        rest[rim] = moved[rim] - whole[rim]
        rows = laplacian[free]
        squared = csr_array(rows.T @ rows)[free]
        solver = splu(squared[:, free].tocsc())
        moved[free] = whole[free] + solver.solve(-(squared @ rest))


def _similarity(
    weight: Float[ndarray, "points"], points: Float[ndarray, "points 3"], moved: Float[ndarray, "points 3"]
) -> tuple[ndarray, ndarray, float]:
    """Centre, its shift and the scale about it that explain displacements best; weights sum to 1."""
    centre, shift = weight @ points, weight @ moved
    arm = points - centre
    # least squares: Σ w a·(m - s) / Σ w |a|²
    growth = weight @ (arm * (moved - shift)).sum(axis=1) / (weight @ (arm**2).sum(axis=1))
    return centre, shift, float(np.clip(1 + growth, *_SCALE_LIMITS))


def _settle_eyeballs(model: FaceModel, base: ndarray, result: ndarray) -> None:
    """Similarities without turn, from lid margins before and after, in place."""
    eyelids = find_eyelids(model)
    fits = []
    for lids in eyelids:
        margin = np.r_[lids.upper, lids.lower, lids.corners]
        even = np.full(len(margin), 1 / len(margin))
        fits.append((margin, _similarity(even, base[margin], result[margin] - base[margin])[2]))
    if not fits:
        return
    scale = float(np.mean([s for _, s in fits]))
    for lids, (margin, _) in zip(eyelids, fits, strict=True):
        centre, _ = fit_sphere(base[lids.eyeball])
        # the margins keep their place on the eyeball, on average
        seat = base[margin].mean(axis=0) - centre
        new_centre = result[margin].mean(axis=0) - scale * seat
        result[lids.eyeball] = new_centre + scale * (base[lids.eyeball] - centre)


def inside_mouth(model: FaceModel) -> Bool[ndarray, "vertices"]:
    """Teeth, tongue, and gums that are not connected with the skin."""
    gums = model.region_mask("mouth_interior") & ~skin_components(model)
    return model.region_mask("teeth_upper", "teeth_lower", "tongue") | gums


def _settle_mouth(model: FaceModel, base: ndarray, moved: ndarray, result: ndarray) -> None:
    """The inside of the mouth follows the skin around the teeth, as one so that the bite stays; in place."""
    part, teeth = inside_mouth(model), model.region_mask("teeth_upper", "teeth_lower")
    if not teeth.any():
        return
    distance = np.linalg.norm(base - base[teeth].mean(axis=0), axis=1)
    weight = model.region_mask("skin") * np.exp(-0.5 * (distance / _TEETH_REACH) ** 2)
    centre, shift, scale = _similarity(weight / weight.sum(), base, moved)
    result[part] = centre + shift + scale * (base[part] - centre)


def _seat_teeth(model: FaceModel, result: ndarray) -> None:
    """Move teeth and tongue back until they are as far behind the lips as on the template, in place."""
    if not has_landmarks(model):
        return
    gaps = _lip_gaps(model, model.template.astype(np.float64)), _lip_gaps(model, result)
    if len(gaps[0]) == 0:
        return
    width = np.ptp(result[model.region_mask("teeth_upper", "teeth_lower"), 0])
    back = float(np.clip((gaps[0] - gaps[1]).max() * width - _LIP_SLACK, 0.0, _FARTHEST_BACK))
    result[inside_mouth(model), 2] -= back


def _lip_gaps(model: FaceModel, vertices: ndarray) -> Float[ndarray, "gaps"]:
    """How far the inner line of the lips lies before the teeth, at each landmark, in widths of the row."""
    lips = model.landmarks(vertices.astype(np.float32))[list(LIPS_INNER)]
    gaps = []
    for region in ("teeth_upper", "teeth_lower"):
        teeth = vertices[model.region_mask(region)]
        if len(teeth):
            width = np.ptp(teeth[:, 0])
            aside = lips[:, :1] - teeth[:, 0]
            front = (teeth[:, 2] - aside**2 / (_TOOTH_WIDTH * width)).max(axis=1)
            gaps.append((lips[:, 2] - front) / width)
    return np.concatenate(gaps) if gaps else np.zeros(0)
