"""Films: times, colours, and the sound of another file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import UnreadableMedia
from core.film import open_film, open_sound
from tests.films import film_with_sound, packets_of_sound, pictures_of, silent_film, tone_of

COLOURS = np.array([[220, 30, 40], [20, 200, 60], [30, 40, 210], [128, 128, 128]], np.uint8)


def test_times_that_vary_and_colours_come_back_and_odd_sides_become_even(tmp_path: Path) -> None:
    times = np.cumsum([0, 0.02, 0.05, 0.04, 0.5])
    picture = np.repeat(np.repeat(COLOURS[None], 49, axis=0), 16, axis=1)[:, :-1]
    with open_film(tmp_path / "a.mp4", (63, 49)) as film:
        for time in times.tolist():
            film.add(picture, time)
        film.end(1.0)
    got, pictures = pictures_of(tmp_path / "a.mp4")
    np.testing.assert_allclose(got, times, atol=1e-4)
    assert pictures.shape[1:] == (48, 62, 3)
    assert np.abs(pictures[2, 24, 8::16][:4].astype(int) - COLOURS[: len(pictures[2, 24, 8::16])]).max() <= 4


def test_sound_is_copied_bit_by_bit_and_ends_with_the_pictures(tmp_path: Path) -> None:
    clip = film_with_sound(tmp_path / "clip.mp4", 2.0)
    with open_sound(clip) as sound, open_film(tmp_path / "a.mp4", (64, 64), sound) as film:
        for index in range(25):
            film.add(np.zeros((64, 64, 3), np.uint8), index / 25)
        film.end(1.0)
    kept, whole = packets_of_sound(tmp_path / "a.mp4"), packets_of_sound(clip)
    assert kept == whole[: len(kept)]
    np.testing.assert_allclose(pictures_of(tmp_path / "a.mp4")[0], np.arange(25) / 25, atol=1e-4)
    seconds, pitch = tone_of(tmp_path / "a.mp4")
    assert seconds == pytest.approx(1.0, abs=0.1) and pitch == pytest.approx(440, abs=3)


def test_sound_begins_where_the_film_does(tmp_path: Path) -> None:
    clip = film_with_sound(tmp_path / "clip.mp4", 2.0)
    with open_sound(clip, begins=1.5) as sound, open_film(tmp_path / "a.mp4", (64, 64), sound) as film:
        for index in range(50):
            film.add(np.zeros((64, 64, 3), np.uint8), index / 25)
        film.end(2.0)
    kept, whole = packets_of_sound(tmp_path / "a.mp4"), packets_of_sound(clip)
    assert kept == whole[-len(kept) :] and len(kept) == pytest.approx(0.25 * len(whole), abs=2)


def test_sound_that_an_mp4_does_not_take_is_encoded_again(tmp_path: Path) -> None:
    clip = film_with_sound(tmp_path / "clip.mkv", 1.0, codec="pcm_s16le")
    with open_sound(clip) as sound, open_film(tmp_path / "a.mp4", (64, 64), sound) as film:
        for index in range(25):
            film.add(np.zeros((64, 64, 3), np.uint8), index / 25)
        film.end(1.0)
    seconds, pitch = tone_of(tmp_path / "a.mp4")
    assert seconds == pytest.approx(1.0, abs=0.15) and pitch == pytest.approx(440, abs=3)


def test_a_clip_without_sound_says_so_and_what_is_no_clip_is_an_error(tmp_path: Path) -> None:
    with open_sound(silent_film(tmp_path / "clip.mp4", [0.0, 0.04])) as sound:
        assert not sound.is_there
    (tmp_path / "no.mp4").write_text("no film")
    with pytest.raises(UnreadableMedia), open_sound(tmp_path / "no.mp4"):
        pass
