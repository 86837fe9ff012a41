"""Following a face through clips cut together from photos."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from core.capture.faces import Face, FaceFinder
from core.capture.follow import Person, Seen, follow_face
from core.capture.photos import Photo
from core.capture.video import Frame
from core.errors import BadInput
from tests.core.capture.faces import SIDE, shifted, two_people


@pytest.fixture(scope="module")
def finder() -> Iterator[FaceFinder]:
    with FaceFinder() as finder:
        yield finder


def empty(seed: int) -> np.ndarray:
    blobs = np.random.default_rng(seed).uniform(0, 255, (8, 8, 3)).astype(np.uint8)
    return cv2.resize(blobs, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)


def follow(finder: FaceFinder, pictures: list[np.ndarray], person: Person | None = None) -> list[Seen]:
    frames = [Frame(index / 25, picture) for index, picture in enumerate(pictures)]
    return list(follow_face(frames, finder, person))


def test_a_moving_face_is_followed(finder: FaceFinder) -> None:
    seen = follow(finder, [shifted(4 * k, 2 * k) for k in range(10)])
    middles = np.array([s.landmarks[:, :2].mean(axis=0) for s in seen if s.landmarks is not None])
    assert len(middles) == 10 and not any(s.cut for s in seen)
    np.testing.assert_allclose(np.diff(middles, axis=0), np.tile([4.0, 2.0], (9, 1)), atol=1.5)


def test_a_cut_begins_a_shot_and_a_lost_face_is_found_again(finder: FaceFinder) -> None:
    pictures = [shifted(0, 0)] * 4 + [empty(1)] * 4 + [shifted(-30, 10, mirrored=True)] * 4
    seen = follow(finder, pictures)
    assert [index for index, s in enumerate(seen) if s.cut] == [4, 8]
    assert [s.landmarks is not None for s in seen] == [True] * 4 + [False] * 4 + [True] * 4
    assert all(s.presence == 0.0 for s in seen[4:8])


def test_a_face_on_its_side_comes_back_within_a_second(finder: FaceFinder) -> None:
    lying = np.ascontiguousarray(np.rot90(shifted(0, 0)))
    seen = follow(finder, [lying] * 2 + [empty(1)] * 3 + [lying] * 26)
    assert seen[0].landmarks is not None and seen[4].landmarks is None
    assert seen[-1].landmarks is not None


def test_where_no_face_is_turned_and_tiny_ones_are_not_looked_for_in_every_frame(
    finder: FaceFinder, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[bool] = []
    find = finder.find_faces

    def counted(photo: Photo, accurate: bool = False, thorough: bool = True) -> list[Face]:
        looks.append(thorough)
        return find(photo, accurate, thorough)

    monkeypatch.setattr(finder, "find_faces", counted)
    follow(finder, [empty(1)] * 51)
    assert 15 <= len(looks) <= 21 and 2 <= sum(looks) <= 3


def test_a_face_that_slips_out_of_view_is_not_made_up(finder: FaceFinder) -> None:
    seen = follow(finder, [shifted(40 * k, 0) for k in range(8)])
    assert seen[0].landmarks is not None and seen[-1].landmarks is None


def test_a_click_chooses_between_two_people(finder: FaceFinder) -> None:
    small = cv2.resize(shifted(0, 0, mirrored=True), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    two = np.full((SIDE, 2 * SIDE, 3), 90, np.uint8)
    two[:, :SIDE] = shifted(0, 0)
    two[100 : 100 + small.shape[0], SIDE + 100 : SIDE + 100 + small.shape[1]] = small
    big = follow(finder, [two] * 2)[0]
    assert big.landmarks is not None and big.landmarks[:, 0].max() < SIDE
    face = follow(finder, [small] * 1)[0]
    assert face.landmarks is not None
    x, y = face.landmarks[:, :2].mean(axis=0) + np.array([SIDE + 100, 100])
    chosen = follow(finder, [two] * 3, Person(point=(float(x), float(y))))
    assert all(s.landmarks is not None and s.landmarks[:, 0].min() > SIDE for s in chosen)
    with pytest.raises(BadInput, match="no face at the point"):
        follow(finder, [two], Person(point=(SIDE + 20.0, SIDE - 10.0)))


def test_no_frame_is_an_error(finder: FaceFinder) -> None:
    with pytest.raises(BadInput, match="no frame"):
        follow(finder, [])


def test_a_click_on_a_later_frame_holds_for_the_frames_before(finder: FaceFinder) -> None:
    alone, both, point = two_people()
    pictures = [alone] * 2 + [both] * 6
    looked: list[float] = []
    frames = [Frame(index / 25, picture) for index, picture in enumerate(pictures)]
    person = Person(point=point, at=5 / 25)
    seen = list(follow_face(frames, finder, person, lambda frame: looked.append(frame.time)))
    assert looked == [frame.time for frame in frames[:5]]
    assert [s.time for s in seen] == [frame.time for frame in frames]
    assert [s.landmarks is not None for s in seen] == [False] * 2 + [True] * 6
    assert all(s.landmarks[:, 0].min() > SIDE for s in seen[2:] if s.landmarks is not None)
    with pytest.raises(BadInput, match="between the in and out points"):
        follow_late = Person(point=point, at=9.0)
        list(follow_face(frames, finder, follow_late))
