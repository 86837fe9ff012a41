"""What geometry says of a picture that does not exist yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from jaxtyping import Float32
from numpy import ndarray

LAYERS: Final = ("face", "hair", "body", "background")


@dataclass(frozen=True)
class Guidance:
    """Pixel conditions of target pictures. Positions are pixels of the source picture, which has their size.

    Attributes:
        flow: F_c (eq. 3): where in the source each pixel comes from, less where it is; x right, y down.
        visible: O_c (eq. 4): 1 where the source shows what is here, 0 where it must be made up.
        render: I_r, sRGB in [0, 1]: the head with its texture under the source's light, over what the flow
            brings.
        masks: of each of ``LAYERS``, which add up to 1.
        depth: of the head, metres; infinite off it.
        normals: of the head, unit, camera axes; 0 off it.
        light: that the head's surface receives, linear; 0 off it.
    """

    flow: Float32[ndarray, "frames side side 2"]
    visible: Float32[ndarray, "frames side side"]
    render: Float32[ndarray, "frames side side 3"]
    masks: Float32[ndarray, "frames side side 4"]
    depth: Float32[ndarray, "frames side side"]
    normals: Float32[ndarray, "frames side side 3"]
    light: Float32[ndarray, "frames side side 3"]
