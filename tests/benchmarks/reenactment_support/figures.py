"""How like the truth pictures of a face are, by judges that have no part in making them."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Final

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray
from scipy.spatial.transform import Rotation
from skimage.metrics import structural_similarity

from core.capture.faces import FaceFinder
from core.capture.photos import Photo
from tests.benchmarks.heads_support.likeness import descriptor
from tests.benchmarks.support.face_landmarker import face_landmarker, seen_face

COLUMNS: Final = ("L1", "PSNR", "SSIM", "AED", "APD", "CSIM", "flicker")
Pictures = UInt8[ndarray, "frames side side 3"]


class Judge:
    """Face Landmarker and a network of face recognition, kept for many clips."""

    def __enter__(self) -> Judge:
        self._landmarker = face_landmarker()
        self._finder = FaceFinder()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._landmarker.close()
        self._finder.close()

    def __call__(
        self, shown: Pictures, truth: Pictures, first: UInt8[ndarray, "side side 3"]
    ) -> dict[str, float]:
        """Figures of pictures against the truth; ``first`` is the picture that they are made from."""
        a, b = shown.astype(np.float32) / 255, truth.astype(np.float32) / 255
        square = np.square(a - b).mean(axis=(1, 2, 3))
        alike = [
            structural_similarity(p, t, channel_axis=2, data_range=1.0) for p, t in zip(a, b, strict=True)
        ]
        expression, pose = self._motion(shown, truth)
        change = np.diff(a, axis=0) - np.diff(b, axis=0)
        return {
            "L1": float(np.abs(a - b).mean()),
            "PSNR": float(np.mean(-10 * np.log10(np.maximum(square, 1e-9)))),
            "SSIM": float(np.mean(alike)),
            "AED": expression,
            "APD": pose,
            "CSIM": self._likeness(shown, first),
            "flicker": float(np.abs(change).mean()) if len(change) else float("nan"),
        }

    def _motion(self, shown: Pictures, truth: Pictures) -> tuple[float, float]:
        """AED: mean |c - c*| over 52 coefficients; APD: mean angle of R R*ᵀ, degrees; frames seen in both."""
        apart, angles = [], []
        for picture, true in zip(shown, truth, strict=True):
            one, other = seen_face(self._landmarker, picture), seen_face(self._landmarker, true)
            if one is None or other is None:
                continue
            apart.append(float(np.abs(one[0] - other[0]).mean()))
            turn: Any = Rotation.from_matrix(one[1] @ other[1].T)
            angles.append(float(np.degrees(turn.magnitude())))
        return (float(np.mean(apart)), float(np.mean(angles))) if apart else (float("nan"),) * 2

    def _likeness(self, shown: Pictures, first: UInt8[ndarray, "side side 3"]) -> float:
        wanted = self._descriptor(first)
        found = [self._descriptor(picture) for picture in shown]
        if wanted is None or all(one is None for one in found):
            return float("nan")
        return float(np.mean([one @ wanted for one in found if one is not None]))

    def _descriptor(self, picture: UInt8[ndarray, "side side 3"]) -> Float[ndarray, "128"] | None:
        faces = self._finder.find_faces(Photo(picture, None, "", None, picture.shape[1::-1]), thorough=False)  # type: ignore[arg-type]
        return descriptor(picture, faces[0].landmarks) if faces else None
