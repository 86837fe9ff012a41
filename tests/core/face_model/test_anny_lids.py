"""The default head's blinks end where the lids meet."""

from __future__ import annotations

import numpy as np
import pytest

from core.arkit import ARKIT_INDEX
from core.face_model.registry import load_model
from core.landmark_topology import EYELID_PAIRS_LEFT, EYELID_PAIRS_RIGHT


@pytest.mark.parametrize(
    ("name", "pairs"), [("eyeBlinkLeft", EYELID_PAIRS_LEFT), ("eyeBlinkRight", EYELID_PAIRS_RIGHT)]
)
def test_a_blink_of_one_closes_the_eye_and_no_less_does(
    name: str, pairs: tuple[tuple[int, int], ...]
) -> None:
    anny = load_model("anny")
    upper, lower = np.array(pairs).T

    def opening(blink: float) -> float:
        head = anny.template + np.float32(blink) * anny.expression_deltas[ARKIT_INDEX[name]]
        points = anny.landmarks(head)
        return float((points[upper] - points[lower])[:, 1].mean())

    assert opening(1.0) == pytest.approx(0, abs=1e-4)
    assert opening(0.9) > 5e-4
    assert opening(0.0) > 5e-3
