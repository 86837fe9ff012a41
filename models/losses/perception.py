"""Whether a rendered face is the person in the photo, by a network that recognises faces."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cosine_similarity


@runtime_checkable
class FaceEmbedding(Protocol):
    """A network from crops to vectors that are alike for one person's faces, with gradients to the crops.

    It is a face-recognition network in PyTorch, or an embedding trained on rendered people. The user's SFace
    (``models.recognition``) is run by OpenCV, which gives no gradients: it tells people apart, but
    cannot train. Its parameters should not require gradients.
    """

    def __call__(
        self, crops: Float[Tensor, "batch 3 side side"], landmarks: Float[Tensor, "batch 478 3"]
    ) -> Float[Tensor, "batch features"]:
        """Vectors of faces.

        Args:
            crops: RGB in [0, 1], sRGB as stored.
            landmarks: MediaPipe's, in pixels of the crops, for networks that want faces aligned.
        """
        ...


def perception_loss(
    rendered: Float[Tensor, "batch features"], photos: Float[Tensor, "batch features"]
) -> Float[Tensor, ""]:
    """Cosine distance of the vectors of rendered faces and photos (CPEM eq. 7, DECA eq. 7); 0 to 2."""
    return (1 - cosine_similarity(rendered, photos, dim=1)).mean()
