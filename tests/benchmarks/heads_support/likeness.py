"""How much a picture of a head looks like the person, by a network that recognises faces.

dlib's network (King, "dlib_face_recognition_resnet_model_v1"), from the test data: 128 numbers of a face at
150 pixels, aligned by the corners of the eyes and the base of the nose. It has no part in the fit.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import cv2
import numpy as np
import onnxruntime
from jaxtyping import Float, UInt8
from numpy import ndarray

from core.landmark_topology import FACE_OVAL
from tests.benchmarks.support.reading import data_folder

_SIDE: Final = 150
_PADDING: Final = 0.25
# Left eye's outer and inner corner, right eye's, base of the nose: MediaPipe's index, and where dlib wants it
# in a square of side 1 without padding.
_FIVE: Final = (
    (263, (0.8595674595992, 0.2134981538014)),
    (362, (0.6460604764104, 0.2289674387677)),
    (33, (0.1205750620789, 0.2137274526848)),
    (133, (0.3340850613712, 0.2290642403242)),
    (2, (0.4901123135679, 0.6277975316475)),
)
_MEAN: Final = np.array([122.782, 117.001, 104.298], np.float32)
_FEATHER: Final = 0.06  # of the eyes' distance: how softly a render ends in the photo


def descriptor(
    pixels: UInt8[ndarray, "height width 3"], landmarks: Float[ndarray, "478 dims"]
) -> Float[ndarray, "128"]:
    """Of a face: the mean of the network's for its crop and for the mirror image, of length 1."""
    target = (np.array([place for _, place in _FIVE]) + _PADDING) / (1 + 2 * _PADDING) * _SIDE
    source = landmarks[[index for index, _ in _FIVE], :2]
    warp, _ = cv2.estimateAffinePartial2D(source.astype(np.float64), target, method=cv2.LMEDS)
    shrink = float(np.hypot(warp[0, 0], warp[1, 0]))
    if shrink < 1:  # average down first, or fine detail would alias
        pixels = cv2.GaussianBlur(pixels, (0, 0), 0.5 / shrink)
    crop = cv2.warpAffine(pixels, warp, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR)
    both = np.stack([crop, crop[:, ::-1]]).astype(np.float32)
    blob = ((both - _MEAN) / np.float32(256)).transpose(0, 3, 1, 2)
    session = _session()
    name = session.get_inputs()[0].name
    looks = [session.run(None, {name: np.ascontiguousarray(look[None])})[0][0] for look in blob]
    mean = np.mean(looks, axis=0, dtype=np.float64)
    return mean / np.linalg.norm(mean)


def over_photo(
    photo: UInt8[ndarray, "height width 3"],
    render: UInt8[ndarray, "height width 3"],
    landmarks: Float[ndarray, "478 dims"],
) -> UInt8[ndarray, "height width 3"]:
    """The render inside the outline of the photo's face; hair and background are the photo's."""
    mask = np.zeros(photo.shape[:2], np.uint8)
    hull = cv2.convexHull(landmarks[list(FACE_OVAL), :2].astype(np.float32))
    cv2.fillConvexPoly(mask, np.round(hull).astype(np.int32), (255,))
    eyes = float(np.linalg.norm(landmarks[33, :2] - landmarks[263, :2]))
    soft = cv2.GaussianBlur(mask, (0, 0), max(_FEATHER * eyes, 0.5)).astype(np.float32)[..., None] / 255
    mixed = soft * render + (1 - soft) * photo
    return np.round(mixed).astype(np.uint8)


@lru_cache
def _session() -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    path = data_folder() / "models" / "dlib_face_resnet.onnx"
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
