"""The networks in MediaPipe's wheel, called with crops of our own choosing.

MediaPipe is imported when the first network starts (about half a second, half of it matplotlib, which
MediaPipe's drawing helpers pull in).
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

CROP_SIDE = 192  # pixels, the landmark network's input

_NOISE = re.compile(
    rb"absl::InitializeLog|inference_feedback_manager|XNNPACK delegate|landmark_projection_calculator|^\s*$"
)
_LANDMARK_GRAPH = """
input_stream: "image"
input_stream: "roi"
input_side_packet: "with_attention"
output_stream: "landmarks"
node {
  calculator: "FaceLandmarkCpu"
  input_stream: "IMAGE:image"
  input_stream: "ROI:roi"
  input_side_packet: "WITH_ATTENTION:with_attention"
  output_stream: "LANDMARKS:landmarks"
}
"""
_LANDMARKS = "landmarks"
_PRESENCE = "facelandmarkcpu__face_presence_score"


# A landmark as protocol buffers write it: the message's tag and length, then three tagged floats. Read all
# together, they cost a twentieth of what they cost field by field.
_POINT = np.dtype({"names": list("xyz"), "formats": ["<f4"] * 3, "offsets": [3, 8, 13], "itemsize": 17})


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Hold back what C++ libraries write to stderr; afterwards pass on all but MediaPipe's usual chatter."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            for line in held:
                if not _NOISE.search(line):
                    os.write(2, line)


class LandmarkNetwork:
    """478 landmarks from an upright square crop that shows one face at about two thirds of its width."""

    def __init__(self) -> None:
        with quiet_stderr():
            from mediapipe import ImageFormat
            from mediapipe.framework.formats import rect_pb2
            from mediapipe.python import packet_creator, packet_getter
            from mediapipe.python.solution_base import SolutionBase

            self._graph: Any = SolutionBase(
                graph_config=_LANDMARK_GRAPH,
                side_inputs={"with_attention": True},
                calculator_params={"facelandmarkcpu__ThresholdingCalculator.threshold": 0.0},
                outputs=[_LANDMARKS, _PRESENCE],
            )
            self._running, self._seen, self._time = self._graph._graph, self._graph._graph_outputs, 0
            self._create, self._read, self._format = packet_creator, packet_getter, ImageFormat.SRGB
            self._whole = rect_pb2.NormalizedRect(x_center=0.5, y_center=0.5, width=1.0, height=1.0)
            self(np.zeros((CROP_SIDE, CROP_SIDE, 3), np.uint8))  # loads the weights; chatters

    def __call__(self, crop: UInt8[np.ndarray, "side side 3"]) -> tuple[Float[np.ndarray, "478 3"], float]:
        """Landmarks in fractions of the crop's side (z too), and the probability that a face is there."""
        self.begin(crop)
        return self.finish()

    def begin(self, crop: UInt8[np.ndarray, "side side 3"]) -> None:
        """Start on a crop, in threads of MediaPipe's; :meth:`finish` must follow."""
        # What SolutionBase.process does, but that it waits for the graph, and makes a class for each result.
        self._seen.clear()
        self._time += 1
        image = self._create.create_image_frame(crop, image_format=self._format)
        self._running.add_packet_to_input_stream("image", image.at(self._time))
        self._running.add_packet_to_input_stream("roi", self._create.create_proto(self._whole).at(self._time))

    def finish(self) -> tuple[Float[np.ndarray, "478 3"], float]:
        """What was seen in the crop that was begun: see :meth:`__call__`."""
        self._running.wait_until_idle()
        landmarks = self._seen.get(_LANDMARKS)
        if landmarks is None or landmarks.is_empty():
            return np.full((478, 3), 0.5), 0.0
        written = np.frombuffer(self._read.get_proto(landmarks).SerializeToString(), _POINT)
        points = np.column_stack([written[axis] for axis in "xyz"]).astype(np.float64)
        return points, float(self._read.get_float(self._seen[_PRESENCE]))

    def close(self) -> None:
        """Free the network."""
        self._graph.close()


@dataclass(frozen=True)
class Detection:
    """A detected face: confidence, box (left, top, width, height) and keypoints, all in pixels.

    The six keypoints are right eye, left eye, nose tip, mouth centre, right and left ear.
    """

    confidence: float
    box: Float[np.ndarray, "4"]
    keypoints: Float[np.ndarray, "6 2"]


class FaceDetector:
    """MediaPipe's face detector, of short range (large faces) or full range (smaller ones)."""

    def __init__(self, full_range: bool, min_confidence: float = 0.5) -> None:
        with quiet_stderr():
            from mediapipe.python.solutions.face_detection import FaceDetection

            self._graph: Any = FaceDetection(min_confidence, model_selection=int(full_range))
            self(np.zeros((64, 64, 3), np.uint8))

    def __call__(self, pixels: UInt8[np.ndarray, "height width 3"]) -> list[Detection]:
        """All faces in an image."""
        size = np.array([pixels.shape[1], pixels.shape[0]], float)
        found = []
        for item in self._graph.process(np.ascontiguousarray(pixels)).detections or ():
            box = item.location_data.relative_bounding_box
            keypoints = np.array([(p.x, p.y) for p in item.location_data.relative_keypoints]) * size
            extent = np.array([box.xmin, box.ymin, box.width, box.height]) * np.tile(size, 2)
            found.append(Detection(float(item.score[0]), extent, keypoints))
        return found

    def close(self) -> None:
        """Free the network."""
        self._graph.close()


class PersonSegmenter:
    """MediaPipe's selfie segmentation, 256² inside."""

    def __init__(self) -> None:
        with quiet_stderr():
            from mediapipe.python.solutions.selfie_segmentation import SelfieSegmentation

            self._graph: Any = SelfieSegmentation(model_selection=0)
            self(np.zeros((64, 64, 3), np.uint8))

    def __call__(self, pixels: UInt8[np.ndarray, "height width 3"]) -> Float[np.ndarray, "height width"]:
        """Probability, 0–1, that each pixel shows a person."""
        result = self._graph.process(np.ascontiguousarray(pixels)).segmentation_mask
        return np.clip(np.array(result, np.float32), 0.0, 1.0)

    def close(self) -> None:
        """Free the network."""
        self._graph.close()
