"""Frames in, expression and pose out, one at a time and by what came before alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from core.capture.faces import Face, FaceFinder
from core.capture.follow import FaceFollower, Person, Seen
from core.capture.photos import Photo
from core.capture.video import Frame
from core.face_model.providers import DEFAULT_MODEL
from core.face_model.registry import load_model
from core.live.continuity import Continuity, State
from core.live.frame import LiveFrame
from core.live.person import Known, PersonEstimate
from core.live.smoothing import StateFilter
from core.rig import Rig
from core.tracking.bridge import EASE
from core.tracking.gaze import eye_turns, gaze_of
from core.tracking.performance import Performance, PerformanceSolver
from core.tracking.prior import ExpressionPrior, confidence_of

_HEAD_EASE: Final = 0.8  # seconds in which a head without a face turns back to the camera
_SETTLE: Final = 0.5  # seconds in which the pose of a head that came back, or is known better, takes over
_FACING: Final = np.diag([1.0, -1.0, -1.0])  # looks into the camera


@dataclass(frozen=True)
class LiveOptions:
    """What the user may choose.

    Attributes:
        smoothing: strength; 0 for none, 1 for the tracker's own jitter.
        point: pixel of the first frame on the face to follow; the rig's person or the main face otherwise.
        beside: measure the person in a thread of its own, so that no frame waits for it.
    """

    smoothing: float = 1.0
    point: tuple[float, float] | None = None
    beside: bool = True


class LiveTracker:
    """Tracks one person, causally: call it with frames in the order of their times; some may be missing.

    The first frame is answered with a guess of the head; it is measured in the first good seconds (or is the
    rig's), then held, with a lens that does not change any more. No change of what is known, no loss and no
    return of the face lets the values jump.

    Args:
        rig: of the person.
        prior: a learned prior for the expressions.

    Raises:
        ModelMissing, ModelUnreadable: the face model cannot be loaded.
    """

    def __init__(
        self,
        rig: Rig | None = None,
        prior: ExpressionPrior | None = None,
        options: LiveOptions | None = None,
    ) -> None:
        options = options or LiveOptions()
        model = load_model(rig.model_name if rig else DEFAULT_MODEL)
        self._finder = FaceFinder()
        self._follower = FaceFollower(
            self._finder, Person(options.point, shape=rig.landmarks if rig else None)
        )
        self._person = PersonEstimate(model, rig, prior, options.beside)
        self._prior, self._strength = prior, options.smoothing
        self._turns = eye_turns(model)
        self._continuity = Continuity()
        self._filter = StateFilter(self._strength)
        self._found = False  # in the last frame
        self._shift = np.zeros(3)  # keeps the place where it was when the head became known better
        self._shown = State(np.zeros(52), _FACING, np.zeros(3))

    def __enter__(self) -> LiveTracker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def warm_up(self, size: tuple[int, int]) -> None:
        """Start what the first frame would have to wait for: networks, compiled parts.

        Args:
            size: width and height of the frames to come.
        """
        width, height = size
        photo = Photo(np.full((height, width, 3), 128, np.uint8), Path("frame"), "", None, size)
        head = self._person.head
        far = 4.0 * np.ptp(head.rest[:, :2])  # a face of a quarter of the frame's height
        points = (head.rest * (1.0, -1.0, -1.0) / far * height + (width / 2, height / 2, 0.0)).astype(
            np.float32
        )
        self._finder.find_faces(photo)
        self._finder.find_again(photo, Face(points, 1.0, 1.0, 1.0))
        belief = None
        if self._prior is not None:
            belief = self._prior(points[None], self._prior.reference(points[None]))
        PerformanceSolver(head).solve(points[None], float(width), (width / 2, height / 2), belief)

    def close(self) -> None:
        """Free the networks."""
        self._person.close()
        self._finder.close()

    def __call__(self, frame: Frame) -> LiveFrame:
        """The next frame's expression and pose.

        Raises:
            BadInput: there is no face at the chosen point of the first frame.
        """
        seen = self._follower.look(frame)
        if seen.landmarks is None:
            measured, confidence = self._at_rest(frame.time), 0.0
        else:
            measured, confidence = self._measure(seen, seen.landmarks)
        self._found = seen.landmarks is not None
        self._shown = self._continuity(frame.time, measured)
        coefficients = self._shown.coefficients.astype(np.float32)
        return LiveFrame(
            time=frame.time,
            found=self._found,
            coefficients=coefficients,
            head_rotation=self._shown.rotation.astype(np.float32),
            head_translation=self._shown.translation.astype(np.float32),
            gaze=gaze_of(coefficients[None], self._turns)[0],
            confidence=confidence,
        )

    def _at_rest(self, time: float) -> State:
        """Without a face: no expression, towards the camera, where the head was."""
        rest = State(np.zeros(52), _FACING, self._shown.translation)
        if self._found:
            self._continuity.switch(time, self._shown, rest, EASE, _HEAD_EASE)
        return rest

    def _measure(self, seen: Seen, landmarks: Float32[ndarray, "478 3"]) -> tuple[State, float]:
        """The state that a face shows, and how far it can be trusted."""
        before = self._person.known
        learnt = self._person.add(seen.time, landmarks, seen.size)
        solved = self._solve(landmarks, self._person.known)
        if learnt and before is not None:
            # Lens and size of the head are other ones now; the place must not tell.
            self._shift += self._solve(landmarks, before).translation[0] - solved.translation[0]
        if learnt or not self._found:
            self._filter = StateFilter(self._strength)
        state = State(solved.coefficients[0], solved.rotation[0], solved.translation[0] + self._shift)
        state = self._filter(seen.time, state)
        if before is None:  # there is no place yet to come from
            self._shown = replace(self._shown, translation=state.translation)
        if learnt or not self._found:
            self._continuity.switch(seen.time, self._shown, state, EASE, _SETTLE)
        presence = np.array([seen.presence], np.float32)
        return state, float(confidence_of(presence, solved.error)[0].clip(0.0, 1.0))

    def _solve(self, landmarks: Float32[ndarray, "478 3"], known: Known | None) -> Performance:
        assert known is not None
        own = landmarks[None]
        return known.solver.solve(own, known.focal, known.centre, known.belief(own, self._prior))
