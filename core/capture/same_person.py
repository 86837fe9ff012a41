"""Whether photos show one person, by a face-recognition network that the caller brings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8
from numpy import ndarray
from scipy.sparse.csgraph import connected_components


@runtime_checkable
class FaceRecogniser(Protocol):
    """A network that turns a face into a vector (see ``models.recognition``).

    Attributes:
        same_above: cosine of two vectors from which their faces count as one person's.
    """

    same_above: float

    def __call__(
        self, pixels: UInt8[ndarray, "height width 3"], landmarks: Float[ndarray, "478 3"]
    ) -> Float32[ndarray, " features"]:
        """A vector of length 1 for the face whose landmarks these are, in pixels of the photo (RGB)."""
        ...


def other_people(
    descriptors: Float[ndarray, "photos features"], same_above: float
) -> Bool[ndarray, " photos"] | None:
    """Which photos show someone else than most of them do.

    Photos that resemble each other are one person's, and so are those that a third one links: a profile
    resembles a three-quarter view that resembles the front.

    Returns:
        A flag for each photo; none where no person has most of the photos, so that nobody can tell who is
        meant.
    """
    alike = descriptors @ descriptors.T >= same_above
    _, person = connected_components(alike, directed=False)
    photos = np.bincount(person)
    most = int(photos.argmax())
    if np.count_nonzero(photos == photos[most]) > 1:
        return None
    return np.asarray(person != most)


def person_warnings(
    names: Sequence[str], descriptors: Float[ndarray, "photos features"], same_above: float
) -> tuple[list[str], list[str]]:
    """What to tell the owner: a warning for each photo ("" where none), and warnings about all of them."""
    other = other_people(descriptors, same_above)
    if other is None:
        text = "Do the photos show one person? They resemble each other too little; build a rig from one's."
        return [""] * len(names), [text]
    text = "a different person? This face resembles those of the other photos too little."
    return [f"{name}: {text}" if odd else "" for name, odd in zip(names, other, strict=True)], []
