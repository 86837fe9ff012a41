"""What a picture of a training set comes with, and batches of them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final

import torch
from jaxtyping import Bool, Float, Float32, Int64, UInt8
from torch import Tensor

LABELS: Final = (
    "person", "frame", "identity", "expression", "rotation", "translation", "camera", "sh", "albedo",
    "landmarks", "seen", "presence",
)  # fmt: skip
"""Arrays beside pictures and masks; ``seen`` and ``presence`` only where they were asked for, the others
but ``person`` and ``frame`` only where the truth is known."""


@dataclass(frozen=True)
class Batch:
    """Pictures of people and what is known about them; what is not is None.

    Samples lie person after person where a loader groups them; ``person`` tells.

    Attributes:
        image: sRGB.
        person: number, unique in a data set.
        frame: number, unique of a person.
        model: name of the face model; empty where there is none.
        skin: 255 where bare skin of the head is seen.
        identity: whitened coefficients of the face model.
        identity_known: false where a picture was mirrored and the face model's mirror image is not in its
            basis: leave such identities out of losses.
        expression: ARKit's order, in [0, 1].
        rotation, translation: head to camera (x right, y down, z forward), metres.
        camera: fx, fy, cx, cy in pixels.
        sh: light as :mod:`core.scene.lighting` has it, of linear colours before sRGB; white balance,
            exposure and the hard light (without its shadow) are in it.
        albedo: whitened coefficients of :class:`models.data.albedo.AlbedoBasis`; NaN where a batch joins
            pictures with and without.
        landmarks: true MediaPipe landmarks, pixels; z in the same pixels from the head's origin.
        seen: where MediaPipe's network sees them; z from a plane of its own.
        presence: the network's belief that a face is there, 0-1.
    """

    image: UInt8[Tensor, "batch 224 224 3"]
    person: Int64[Tensor, "batch"]
    frame: Int64[Tensor, "batch"]
    model: str
    skin: UInt8[Tensor, "batch 224 224"]
    identity: Float32[Tensor, "batch modes"] | None = None
    identity_known: Bool[Tensor, "batch"] | None = None
    expression: Float32[Tensor, "batch 52"] | None = None
    rotation: Float32[Tensor, "batch 3 3"] | None = None
    translation: Float32[Tensor, "batch 3"] | None = None
    camera: Float32[Tensor, "batch 4"] | None = None
    sh: Float32[Tensor, "batch 9 3"] | None = None
    albedo: Float32[Tensor, "batch skins"] | None = None
    landmarks: Float32[Tensor, "batch 478 3"] | None = None
    seen: Float32[Tensor, "batch 478 3"] | None = None
    presence: Float32[Tensor, "batch"] | None = None

    def __len__(self) -> int:
        return len(self.image)

    @property
    def pixels(self) -> Float[Tensor, "batch 3 224 224"]:
        """The pictures as networks take them, in [0, 1]."""
        return self.image.permute(0, 3, 1, 2).float() / 255

    @property
    def skin_weight(self) -> Float[Tensor, "batch 1 224 224"]:
        """The masks as weights in [0, 1]."""
        return self.skin.unsqueeze(1).float() / 255

    def to(self, device: torch.device | str, non_blocking: bool = True) -> Batch:
        """The batch on a device."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Batch:
        """The batch in page-locked memory; a ``DataLoader`` asks for it."""
        return self._each(lambda tensor: tensor.pin_memory())

    def _each(self, change) -> Batch:  # type: ignore[no-untyped-def]
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        moved = {name: change(value) for name, value in values.items() if isinstance(value, Tensor)}
        return replace(self, **moved)
