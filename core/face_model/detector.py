"""MediaPipe's landmark network as the detector that measures embeddings on renders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from jaxtyping import Float32, UInt8
from numpy import ndarray


@contextmanager
def render_detector() -> Iterator[Callable[[UInt8[ndarray, "height width 3"]], ndarray | None]]:
    """A function from an image to the (478, 3) landmarks of its face in pixels, or none if it sees none."""
    from mediapipe.python.solutions.face_mesh import FaceMesh

    with FaceMesh(static_image_mode=True, max_num_faces=1, refine_landmarks=True) as mesh:

        def detect(image: UInt8[ndarray, "height width 3"]) -> Float32[ndarray, "478 3"] | None:
            faces = mesh.process(image).multi_face_landmarks
            if not faces:
                return None
            height, width = image.shape[:2]
            points = np.array([(point.x, point.y, point.z) for point in faces[0].landmark])
            return (points * [width, height, width]).astype(np.float32)

        yield detect
