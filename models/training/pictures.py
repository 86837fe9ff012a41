"""Pictures of what networks say: the crop, the face drawn over it, and the landmarks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from jaxtyping import UInt8
from numpy import ndarray
from torch import nn

from core.atomic import staged_output
from models.data.sample import Batch
from models.face_code import FaceCode
from models.rendering import FaceRenderer
from models.training.objectives import Objective, view_of

_MOST: Final = 6
_SEEN: Final = (90, 220, 90)
_SAID: Final = (230, 60, 60)


@torch.no_grad()
def picture_of(
    net: nn.Module, objective: Objective, batch: Batch, renderer: FaceRenderer | None
) -> UInt8[ndarray, "height width 3"] | None:
    """Rows of crops, of faces drawn over them, and of landmarks: green as labelled, red as said.

    Args:
        net: as of ``models.training.validation.validate``.
        renderer: draws expressions of networks that say nothing else, on the true heads; none is drawn where
            the batch's heads are not known.
    """
    batch = batch.first(_MOST)
    view = view_of(batch, objective.layout.side)
    outputs = tuple(part.float() for part in net(view.observed.image, view.camera))
    code, draws = objective.code(outputs), objective.renderer or renderer
    if code is None:
        code = _true_code(batch, renderer)
        code = replace(code, expression=outputs[0]) if code else None
    if code is None or draws is None:
        return None
    drawn = draws(code, view.camera)
    crops = _bytes(view.observed.image)
    over = _bytes(drawn.over(view.observed.image))
    marked = [
        _marked(crop, seen, said)
        for crop, seen, said in zip(
            crops, view.observed.landmarks.cpu().numpy(), drawn.landmarks.cpu().numpy(), strict=True
        )
    ]
    return np.concatenate([np.concatenate(list(row), axis=1) for row in (crops, over, marked)], axis=0)


def write_picture(picture: UInt8[ndarray, "height width 3"], file: Path) -> None:
    """Write a JPEG.

    Raises:
        OutputFailed: the file cannot be written.
    """
    with staged_output(file) as path:
        path.write_bytes(cv2.imencode(".jpg", picture[..., ::-1])[1].tobytes())


def _true_code(batch: Batch, renderer: FaceRenderer | None) -> FaceCode | None:
    if (
        renderer is None or batch.identity is None or batch.expression is None or batch.albedo is None
        or batch.rotation is None or batch.translation is None or batch.sh is None
    ):  # fmt: skip
        return None
    albedo = batch.albedo[:, : len(renderer.albedo_basis)]
    return FaceCode(batch.identity, batch.expression, albedo, batch.rotation, batch.translation, batch.sh)


def _bytes(images: torch.Tensor) -> UInt8[ndarray, "batch side side 3"]:
    coded = (255 * images.clamp(0, 1)).round().to(torch.uint8)
    return np.ascontiguousarray(coded.permute(0, 2, 3, 1).cpu().numpy())


def _marked(
    crop: UInt8[ndarray, "side side 3"], seen: ndarray, said: ndarray
) -> UInt8[ndarray, "side side 3"]:
    picture = crop.copy()
    for points, colour in ((seen, _SEEN), (said, _SAID)):
        for x, y in np.floor(points[:, :2]).astype(int):
            if 0 <= x < picture.shape[1] and 0 <= y < picture.shape[0]:
                picture[y, x] = colour
    return picture
