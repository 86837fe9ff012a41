"""The shipped network at work: landmarks in, ARKit coefficients and how sure they are out."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from core.arkit import ARKIT_INDEX, ARKIT_NAMES
from core.errors import BadInput, ModelMissing, ModelUnreadable
from models.prior.features import SWAP, Canonical, mirror_landmarks, mirror_rotations, rest_of
from models.prior.turn import MIRRORED, turned

SHIPPED: Final = Path(__file__).parent / "data" / "landmark_prior.onnx"
FORMAT: Final = 2
INPUTS: Final = ("aligned", "reference", "rotation")
OUTPUTS: Final = ("coefficients", "deviation", "neutral", "turn")
_AT_ONCE: Final = 512  # frames
_ROUNDS: Final = 6  # of moving the rest towards the neutral that the network sees
_TONGUE: Final = ARKIT_INDEX["tongueOut"]
_MOST_FRAMES: Final = 400  # that a reference is made of


class LandmarkPrior:
    """Coefficients of frames from MediaPipe's landmarks and the person's rest.

    Faces differ more at rest than most expressions move them, so one frame of a stranger says little. The
    network therefore looks at a frame *and* at the person's reference, the landmarks of the face at rest,
    which :meth:`reference` estimates from a clip. It also sees each frame mirrored; both views count.

    Args:
        path: another network of the same kind; the shipped one where not given.

    Raises:
        ModelMissing: there is no such file.
        ModelUnreadable: it is damaged, or not a network of this kind.
    """

    def __init__(self, path: Path | None = None) -> None:
        file = path or SHIPPED
        try:
            content = file.read_bytes()
        except OSError as error:
            raise ModelMissing(
                f"The landmark prior {file} cannot be read: {error.strerror}.",
                "Install Semblance again, or train one with python -m models.prior.train.",
            ) from error
        again = "Install Semblance again, or export the network again."
        checksum = file.with_suffix(".sha256")
        if checksum.is_file() and checksum.read_text()[:64] != hashlib.sha256(content).hexdigest():
            raise ModelUnreadable(f"{file} is not the network that {checksum.name} was made for.", again)
        self._session, self._options = _session(content, file, again)
        try:
            stored = self._session.get_modelmeta().custom_metadata_map
            if int(stored["format"]) != FORMAT or tuple(json.loads(stored["names"])) != ARKIT_NAMES:
                raise ValueError("another version")
            self._canonical = Canonical(
                _floats(stored["canonical"]).reshape(478, 3), _floats(stored["weight"]).reshape(478)
            )
        except (KeyError, ValueError) as error:
            raise ModelUnreadable(f"{file} is no landmark prior of this release: {error}.", again) from error

    @property
    def mean_face(self) -> Float32[ndarray, "478 3"]:
        """The face that landmarks are aligned to: the reference of someone nothing is known about."""
        return self._canonical.points.copy()

    def reference(self, landmarks: Float[ndarray, "frames 478 3"]) -> Float32[ndarray, "478 3"]:
        """The person's face at rest, without pose: what :meth:`__call__` compares frames with.

        A first guess is where the clip's frames are densest; then every frame says how far it takes that to
        be from the neutral face, and the mean of what they say moves it: one identity for all (CPEM, eq. 3).

        Args:
            landmarks: of one person, from one frame to a whole clip; pixels, z in the same scale.

        Raises:
            BadInput: there is no frame, or landmarks are not finite.
        """
        _check(landmarks)
        spread = np.unique(np.linspace(0, len(landmarks) - 1, _MOST_FRAMES).round().astype(int))
        aligned, rotation = self._canonical.align(landmarks[spread])
        rest = rest_of(aligned, rotation)
        for _ in range(_ROUNDS):
            rest = rest + self._run(aligned, rest, rotation, "neutral")[0].mean(axis=0).reshape(478, 3)
        return rest.astype(np.float32)

    def __call__(
        self, landmarks: Float[ndarray, "frames 478 3"], reference: Float[ndarray, "478 3"]
    ) -> tuple[Float32[ndarray, "frames 52"], Float32[ndarray, "frames 52"]]:
        """Coefficients in [0, 1] in the order of ``ARKIT_NAMES``, and standard deviations of their errors.

        Landmarks do not show the tongue: ``tongueOut`` is 0 with a deviation of 1.

        Args:
            landmarks: MediaPipe's, in pixels, z in the same scale, as :class:`core.capture.faces.Face` has.
            reference: from :meth:`reference`.

        Raises:
            BadInput: landmarks are not finite.
        """
        if not len(landmarks):
            return np.zeros((0, len(ARKIT_NAMES)), np.float32), np.zeros((0, len(ARKIT_NAMES)), np.float32)
        _check(landmarks)
        aligned, rotation = self._canonical.align(landmarks)
        plain, mirrored = self._both_ways(aligned, reference, rotation, "coefficients", "deviation")
        coefficients = (plain[0] + mirrored[0][:, SWAP]) / 2
        deviation = (plain[1] + mirrored[1][:, SWAP]) / 2
        coefficients[:, _TONGUE], deviation[:, _TONGUE] = 0.0, 1.0
        return coefficients.clip(0, 1), deviation

    def rotation(
        self, landmarks: Float[ndarray, "frames 478 3"], reference: Float[ndarray, "478 3"]
    ) -> Float[ndarray, "frames 3 3"]:
        """How the head is turned against the ray on which it is seen: head → camera for one on the axis.

        Args:
            landmarks, reference: as for :meth:`__call__`.

        Raises:
            BadInput: landmarks are not finite.
        """
        if not len(landmarks):
            return np.zeros((0, 3, 3))
        _check(landmarks)
        aligned, rotation = self._canonical.align(landmarks)
        plain, mirrored = self._both_ways(aligned, reference, rotation, "turn")
        return turned(rotation, (plain[0] + MIRRORED * mirrored[0]) / 2)

    def _both_ways(
        self, aligned: ndarray, reference: ndarray, rotation: ndarray, *outputs: str
    ) -> tuple[list[ndarray], list[ndarray]]:
        """What the network says of the frames, and of their mirror images."""
        return (
            self._run(aligned, reference, rotation, *outputs),
            self._run(
                mirror_landmarks(aligned), mirror_landmarks(reference), mirror_rotations(rotation), *outputs
            ),
        )

    def _run(self, aligned: ndarray, reference: ndarray, rotation: ndarray, *outputs: str) -> list[ndarray]:
        """Some of the network's outputs."""
        flat = np.ascontiguousarray(reference, np.float32).reshape(1, -1)
        parts = []
        for start in range(0, len(aligned), _AT_ONCE):
            some = np.ascontiguousarray(aligned[start : start + _AT_ONCE], np.float32)
            inputs = (
                some.reshape(len(some), -1),
                np.broadcast_to(flat, (len(some), flat.shape[1])).copy(),
                np.ascontiguousarray(rotation[start : start + _AT_ONCE], np.float32).reshape(-1, 9),
            )
            parts.append(self._session.run(outputs, dict(zip(INPUTS, inputs, strict=True)), self._options))
        return [np.concatenate(values) for values in zip(*parts, strict=True)]


def _session(content: bytes, file: Path, hint: str) -> tuple[Any, Any]:
    """The network, and options to run no more of it than is asked for."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # a small network: threads only cost
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common base of their own
        raise ModelUnreadable(f"{file} is no ONNX network: {error}.", hint) from error
    if [put.name for put in session.get_inputs()] != list(INPUTS):
        raise ModelUnreadable(f"{file} is an ONNX network, but no landmark prior.", hint)
    run = onnxruntime.RunOptions()
    run.only_execute_path_to_fetches = True
    return session, run


def _floats(text: str) -> Float32[ndarray, "values"]:
    return np.frombuffer(base64.b64decode(text), "<f4").astype(np.float32)


def _check(landmarks: ndarray) -> None:
    if not len(landmarks):
        raise BadInput("A reference needs at least one frame with landmarks.")
    if not np.isfinite(landmarks).all():
        raise BadInput("Landmarks must be finite.", "Leave out frames in which no face was found.")
