"""Where heads are compared."""

from __future__ import annotations

import torch
from jaxtyping import Bool
from torch import Tensor

from core.face_model.model import FaceModel
from core.landmark_topology import FACE_OVAL


def face_region(model: FaceModel) -> Bool[Tensor, " vertices"]:
    """The skin of the face's front: inside the oval of MediaPipe's landmarks, seen from the front."""
    marks = torch.from_numpy(model.landmarks(model.template))
    oval, points = marks[list(FACE_OVAL)], torch.from_numpy(model.template)
    middle = oval.mean(dim=0)
    edge = oval[:, :2] - middle[:2]
    place = points[:, :2] - middle[:2]
    angles, order = torch.atan2(edge[:, 1], edge[:, 0]).sort()
    after = torch.searchsorted(angles, torch.atan2(place[:, 1], place[:, 0])) % len(angles)
    first, second = edge[order[after - 1]], edge[order[after]]
    side = _cross(second - first, place - first)
    inside = side * _cross(second - first, -first) > 0
    skin = torch.from_numpy(model.region_mask("skin"))
    return inside & skin & (points[:, 2] > oval[:, 2].min())


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
