"""The rig as the source of a transfer: a face model of one person, with its landmarks and seams."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.errors import BadInput
from core.face_model.embedding import attach_landmarks
from core.face_model.embedding_data import absent_landmarks
from core.face_model.model import JOINTS, REGIONS, FaceModel
from core.rig import Rig


def rig_model(rig: Rig) -> FaceModel:
    """The rig as a face model whose only identity is the person.

    Raises:
        BadInput: the rig has other regions or joints than Semblance's.
    """
    if rig.region_names != REGIONS or rig.joint_names != JOINTS:
        raise BadInput(
            f"The rig {rig.name} has regions or joints of its own.",
            "Use a rig that Semblance made from photos.",
        )
    count = len(rig.neutral)
    triangle, barycentrics = absent_landmarks()
    model = FaceModel(
        name=rig.model_name,
        licence=rig.model_licence,
        template=rig.neutral,
        polygon_vertices=rig.polygon_vertices,
        polygon_starts=rig.polygon_starts,
        uv=rig.uv,
        identity_basis=np.zeros((0, count, 3), np.float32),
        identity_variance=1.0,
        expression_deltas=rig.shape_keys,
        joint_offset=rig.joints,
        joint_regressor=np.zeros((len(JOINTS), count), np.float32),
        skin_weights=rig.skin_weights,
        region=rig.regions,
        landmark_triangles=triangle,
        landmark_barycentrics=barycentrics,
        mirror=np.arange(count, dtype=np.int32),
    )
    triangle, barycentrics = attach_landmarks(model, rig.landmarks)
    return replace(model, landmark_triangles=triangle, landmark_barycentrics=barycentrics)
