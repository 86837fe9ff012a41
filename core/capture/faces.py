"""Faces and their 478 landmarks in a photo."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice

import cv2
import numpy as np
from jaxtyping import Float, Float32

from core.capture.crop import SquareCrop
from core.capture.detection import CascadeDetector, overlap
from core.capture.mediapipe_graphs import CROP_SIDE, Detection, LandmarkNetwork
from core.capture.photos import Photo
from core.errors import NoFaceFound
from core.landmark_topology import EYE_LEFT, EYE_RIGHT, IRIS_LEFT, IRIS_RIGHT, MIRROR

_MARGIN = 1.5  # side of the network's crop over the face's longer side, as the network was trained
# A face is taken where the network is sure and sees the same face in the mirrored crop. On 220 photos of
# people presence was above 0.999 and the disagreement (RMS, in interocular distances) at most 0.036. Pictures
# without a face that the detectors still reported, a llama and cats fail one of the two; some dogs pass.
_MIN_PRESENCE = 0.95
_MAX_DISAGREEMENT = 0.05
# Animals that pass that test are found by five moved crops: over them the points of a face seen from the
# front agree, while those of two Shibas and a capuchin disagree by 0.038-0.046. Of 2,107 LFW photos of 720
# people 99 % lie below 0.035; what lies above is turned, as its depth over its width tells (0.57-0.63 for the
# animals). Both tests together refuse none of them, no portrait or painting of 10, no frame of 102 of clips.
_MAX_MOVED_DISAGREEMENT = 0.034
_FLAT = 0.645
_WANTED = "Use a photo that shows a person's face from the front or three-quarter, well lit and uncovered."
_RIGHT_SIDE = (33, 127, 234, 132, 58, 61, 50)  # eye and mouth corner, cheek, outline of the right side
# Five small shifts, zooms and turns of the crop, spread evenly round a circle (see FaceFinder)
_PHASES = 2.0 * np.pi * np.arange(5) / 5
_JITTER = [
    ((0.03 * np.cos(t), 0.03 * np.sin(t)), 1.0 + 0.05 * np.cos(2 * t + 0.7), 0.05 * np.sin(3 * t + 0.4))
    for t in _PHASES
]


@dataclass(frozen=True)
class Face:
    """One face in a photo.

    Attributes:
        landmarks: MediaPipe's 478 points in pixels of the photo, pixel centres at integers + 0.5, x right and
            y down. z is in the same pixels under weak perspective, from a plane near the head's middle;
            **smaller is nearer to the camera** (the nose tip's is negative).
        confidence: of the detector, 0–1.
        presence: of the landmark network, 0–1.
        sharpness: see :func:`face_sharpness`.
        others: how many more faces the photo shows.
    """

    landmarks: Float32[np.ndarray, "478 3"]
    confidence: float
    presence: float
    sharpness: float
    others: int = 0

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the landmarks, in pixels."""
        low, high = self.landmarks[:, :2].min(0), self.landmarks[:, :2].max(0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    @property
    def interocular(self) -> float:
        """Distance of the iris centres in pixels, in depth too, so that it holds for turned heads."""
        return float(np.linalg.norm(self.landmarks[IRIS_LEFT[0]] - self.landmarks[IRIS_RIGHT[0]]))

    @property
    def roll(self) -> float:
        """Angle of the line of the outer eye corners in the photo, radians, clockwise positive."""
        across = self.landmarks[EYE_LEFT[0]] - self.landmarks[EYE_RIGHT[0]]
        return float(np.arctan2(across[1], across[0]))

    @property
    def yaw(self) -> float:
        """Turn about the vertical, radians; positive towards the photo's right (the subject's left).

        From the depths of mirror pairs of landmarks: a rough figure, for choosing and warning.
        """
        right = self.landmarks[list(_RIGHT_SIDE)]
        x, y, z = (self.landmarks[MIRROR[list(_RIGHT_SIDE)]] - right).sum(0)
        return float(np.arctan2(z, np.hypot(x, y)))

    def crop(self, margin: float = _MARGIN) -> SquareCrop:
        """The upright square round the face, ``margin`` times as wide as its longer side."""
        return _crop_of(self.landmarks, margin)


class FaceFinder:
    """Finds faces; starts the networks at first use and keeps them. Use it from one thread at a time.

    One look of the landmark network is noisy: turn, zoom or mirror the photo and its points move. Averaging
    over a crop and its mirror image removes most of that, and over five slightly moved crops with theirs
    half of the rest. RMS in per cent of the interocular distance over 31 photos × 6 random similarities:
    MediaPipe's own graph 1.8, one mirrored pair 0.6, five pairs 0.3 (``tests/benchmarks/landmark_noise.py``).
    """

    def __init__(self) -> None:
        self._detector: CascadeDetector | None = None
        self._networks: tuple[LandmarkNetwork, LandmarkNetwork] | None = None

    def __enter__(self) -> FaceFinder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the networks; the next call starts them again."""
        for part in (self._detector, *(self._networks or ())):
            if part is not None:
                part.close()
        self._detector = self._networks = None

    def find_faces(self, photo: Photo, accurate: bool = False, thorough: bool = True) -> list[Face]:
        """All faces, the most prominent first; an empty list where there is none.

        Args:
            accurate: average five crops and their mirror images, not one (five times as slow).
            thorough: where none is seen, look for turned, very large and very small ones too; that takes up
                to a second.
        """
        self._detector = self._detector or CascadeDetector()
        for candidates in islice(self._detector.candidates(photo.pixels), None if thorough else 1):
            faces: list[Face] = []
            for detection in candidates:
                face = self._face_at(photo, detection)
                if face is not None and all(_overlap(face, other) < 0.3 for other in faces):
                    faces.append(face)
            if faces:
                faces.sort(key=lambda f: -prominence(f, photo))
                if accurate:
                    faces = [self._refined(photo, face)[0] for face in faces]
                return [replace(face, others=len(faces) - 1) for face in faces]
        return []

    def main_face(self, photo: Photo, accurate: bool = True) -> Face:
        """The face the photo is of: the largest, unless it is far off the middle or hardly seen.

        ``others`` of the result counts those passed over; ``quality.photo_warnings`` says so.

        Args:
            accurate: see :meth:`find_faces`; also tells an animal's face from a person's.

        Raises:
            NoFaceFound: there is none, or only an animal's.
        """
        faces = self.find_faces(photo, accurate=False)
        if not faces:
            raise NoFaceFound(f"No face was found in {photo.path}.", _WANTED)
        if not accurate:
            return faces[0]
        for face in faces:
            refined, disagreement = self._refined(photo, face)
            if disagreement <= _MAX_MOVED_DISAGREEMENT or _depth_over_width(refined) >= _FLAT:
                return refined
        raise NoFaceFound(f"The face in {photo.path} is not a person's, or most of it is covered.", _WANTED)

    def detected(self, photo: Photo) -> tuple[Float[np.ndarray, "2"], float] | None:
        """Middle and side of the largest box in which a detector sees a face, landmarks or not, pixels."""
        self._detector = self._detector or CascadeDetector()
        seen = next((found for found in self._detector.candidates(photo.pixels) if found), None)
        if seen is None:
            return None
        box = max(seen, key=lambda detection: float(detection.box[2:].max())).box
        return box[:2] + box[2:] / 2, float(box[2:].max())

    def find_again(self, photo: Photo, face: Face) -> Face | None:
        """The face of the previous frame in the next one, from a mirrored pair of looks where it was.

        ``confidence`` and ``sharpness`` are carried over. None where the face is gone.
        """
        landmarks, presence, disagreement = self._average(photo, [face.crop()])
        if presence < _MIN_PRESENCE or disagreement > _MAX_DISAGREEMENT:
            return None
        return replace(face, landmarks=landmarks.astype(np.float32), presence=presence)

    def _face_at(self, photo: Photo, detection: Detection) -> Face | None:
        """Landmarks of a detected face: one look, then a mirrored pair of looks at the crop it suggests."""
        across = detection.keypoints[1] - detection.keypoints[0]
        centre = detection.box[:2] + detection.box[2:] / 2
        crop = SquareCrop(
            (float(centre[0]), float(centre[1])),
            max(float(detection.box[2:].max()) * _MARGIN, 1.0),
            float(np.arctan2(across[1], across[0])),
        )
        ((first, _),) = self._looks(photo, crop, (False,))
        landmarks, presence, disagreement = self._average(photo, [_crop_of(first, _MARGIN)])
        if presence < _MIN_PRESENCE or disagreement > _MAX_DISAGREEMENT:
            return None
        landmarks = landmarks.astype(np.float32)
        return Face(landmarks, detection.confidence, presence, face_sharpness(photo, landmarks))

    def _refined(self, photo: Photo, face: Face) -> tuple[Face, float]:
        """The face as five moved crops see it, and how far they disagree."""
        crop = face.crop()
        landmarks, presence, disagreement = self._average(photo, [crop.moved(*jitter) for jitter in _JITTER])
        return replace(face, landmarks=landmarks.astype(np.float32), presence=presence), disagreement

    def _average(
        self, photo: Photo, crops: list[SquareCrop]
    ) -> tuple[Float[np.ndarray, "478 3"], float, float]:
        """Mean landmarks and presence over the crops and their mirror images, and how far they disagree."""
        looks = [look for crop in crops for look in self._looks(photo, crop)]
        points = np.array([p for p, _ in looks])
        mean = points.mean(0)
        scatter = np.sqrt(np.square(points - mean)[..., :2].sum(-1).mean())
        eyes = np.linalg.norm(mean[IRIS_LEFT[0]] - mean[IRIS_RIGHT[0]])
        return mean, float(np.mean([p for _, p in looks])), float(scatter / max(eyes, 1e-6))

    def _looks(
        self, photo: Photo, crop: SquareCrop, ways: tuple[bool, ...] = (False, True)
    ) -> list[tuple[Float[np.ndarray, "478 3"], float]]:
        """The network's landmarks in pixels of the photo, and its belief that a face is there.

        Args:
            ways: whether to look at the crop's mirror image; two networks look at the same time.
        """
        self._networks = self._networks or (LandmarkNetwork(), LandmarkNetwork())
        image = crop.cut(photo.pixels, CROP_SIDE)
        looking = list(zip(self._networks, ways, strict=False))
        for network, mirrored in looking:
            network.begin(cv2.flip(image, 1) if mirrored else image)
        seen = []
        for network, mirrored in looking:
            points, presence = network.finish()
            if mirrored:
                points = points[MIRROR]
                points[:, 0] = 1.0 - points[:, 0]
            seen.append((np.column_stack([crop.to_photo(points[:, :2]), points[:, 2] * crop.side]), presence))
        return seen


def prominence(face: Face, photo: Photo) -> float:
    """How much a face looks like the photo's subject: its size, less if off-centre or hardly seen."""
    left, top, right, bottom = face.box
    size = np.array(photo.size, float)
    offset = (np.array([left + right, top + bottom]) / 2 - size / 2) / (size / 2)
    centrality = 1.0 - 0.4 * min(1.0, float(np.linalg.norm(offset)))
    return float(np.hypot(right - left, bottom - top)) * centrality * (0.5 + 0.5 * face.confidence)


def face_sharpness(photo: Photo, landmarks: Float[np.ndarray, "478 3"]) -> float:
    """Fine detail of a face: standard deviation of its Laplacian over that of its grey levels.

    Measured from the brows to the chin at 100² or, for smaller faces, at their own size, after light
    smoothing, so that neither resolution nor noise counts as detail.
    """
    crop = _crop_of(landmarks, 0.7)
    image = crop.cut(photo.pixels, int(np.clip(crop.side, 20, 100)))
    grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 0.8)
    return float(cv2.Laplacian(grey, cv2.CV_32F).std() / (grey.std() + 1.0))


def _crop_of(landmarks: Float[np.ndarray, "478 3"], margin: float) -> SquareCrop:
    across = landmarks[EYE_LEFT[0], :2] - landmarks[EYE_RIGHT[0], :2]
    angle = float(np.arctan2(across[1], across[0]))
    axes = SquareCrop((0.0, 0.0), 1.0, angle).axes
    upright = landmarks[:, :2] @ axes
    low, high = upright.min(0), upright.max(0)
    x, y = axes @ ((low + high) / 2)
    return SquareCrop((float(x), float(y)), max(float((high - low).max()) * margin, 1.0), angle)


def _depth_over_width(face: Face) -> float:
    across = face.landmarks[:, :2] @ SquareCrop((0.0, 0.0), 1.0, face.roll).axes[:, 0]
    return float(np.ptp(face.landmarks[:, 2]) / max(float(np.ptp(across)), 1e-6))


def _overlap(a: Face, b: Face) -> float:
    boxes = [np.array([f.box[0], f.box[1], f.box[2] - f.box[0], f.box[3] - f.box[1]]) for f in (a, b)]
    return overlap(boxes[0], boxes[1])
