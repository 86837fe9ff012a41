"""Landmarks, rotations, coefficients and tables."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from core.arkit import ARKIT_INDEX, ARKIT_NAMES
from core.scene.camera import head_rotation
from models.evaluation import papers
from models.evaluation.expression_error import GROUPS, UNITS, as_units, group_errors
from models.evaluation.landmark_error import by_yaw, normalised_error
from models.evaluation.pose_error import degrees_apart, turn_between, yaw_degrees
from models.evaluation.run import spread
from models.evaluation.tables import Table
from models.prior.metrics import ACTIVE


def test_the_normalised_error_is_of_the_bounding_box() -> None:
    true = np.array([[0.0, 0], [40, 0], [40, 90], [0, 90]])
    assert normalised_error(true + np.array([3.0, 4.0]), true) == pytest.approx(100 * 5 / 60)


def test_pictures_fall_into_groups_by_their_turn() -> None:
    errors = np.array([1.0, 3.0, 5.0, 7.0, 100.0])
    assert by_yaw(errors, np.array([0.0, -30.0, 31.0, -90.0, 95.0])) == pytest.approx([2, 5, 7, 14 / 3])
    few = by_yaw(errors[:1], np.array([10.0]))
    assert few[0] == 1 and np.isnan(few[1:3]).all() and few[3] == 1


def test_rotations_are_compared_between_the_models_uprights() -> None:
    """A model whose head space nods by 7 degrees says the same of a picture with that nod taken out."""
    true = head_rotation(0.4, -0.2, 0.1).numpy().astype(np.float64)
    nod = Rotation.from_euler("x", 7, degrees=True).as_matrix()
    marks = np.random.default_rng(2).normal(size=(68, 3))
    turn = turn_between(marks @ nod, marks)  # own head space to the true one's
    assert degrees_apart(true @ nod, true, np.eye(3)) == pytest.approx(7)
    assert degrees_apart(true @ nod, true, turn) == pytest.approx(0, abs=1e-5)
    off = Rotation.from_euler("y", 3, degrees=True).as_matrix()
    assert degrees_apart(off @ true @ nod, true, turn) == pytest.approx(3)


@pytest.mark.parametrize("yaw", [-70.0, -20.0, 0.0, 35.0])
def test_yaw_is_the_heads_turn(yaw: float) -> None:
    rotation = head_rotation(np.radians(yaw), 0.2, -0.1).numpy().astype(np.float64)
    assert yaw_degrees(rotation) == pytest.approx(yaw, abs=1e-3)


def test_every_unit_and_group_is_named_in_arkits_words() -> None:
    assert len(UNITS) == 24 and len(GROUPS) == 10
    for names in UNITS.values():
        assert set(names) <= set(ARKIT_NAMES)
    assert {member for members in GROUPS.values() for member in members} <= set(UNITS)
    shown = np.zeros(52)
    shown[[ARKIT_INDEX["browInnerUp"], ARKIT_INDEX["browOuterUpLeft"], ARKIT_INDEX["jawOpen"]]] = 1, 0.5, 0.3
    units = dict(zip(UNITS, as_units(shown), strict=True))
    assert units["left brow raise"] == 0.75 and units["right brow raise"] == 0.5 and units["jaw drop"] == 0.3


def test_group_errors_of_known_mistakes() -> None:
    """Jaw: off by 0.2 where shown, 0.1 elsewhere; one of two eyes is missed; the rest is right."""
    names = list(UNITS)
    true, found = np.zeros((2, 24)), np.zeros((2, 24))
    true[0, names.index("jaw drop")], found[:, names.index("jaw drop")] = 0.8, (0.6, 0.1)
    true[:, names.index("left eye close")] = 1.0
    shown = group_errors(found, true, above=ACTIVE)
    assert shown[list(GROUPS).index("Mouth Open")] == pytest.approx(0.2)
    assert shown[list(GROUPS).index("Eye Close")] == pytest.approx(1.0)
    assert np.isnan(shown[list(GROUPS).index("Kiss")]) and shown[-1] == pytest.approx(0.6)
    whole = group_errors(found, true, above=None)
    assert whole[list(GROUPS).index("Mouth Open")] == pytest.approx(0.15)
    assert whole[list(GROUPS).index("Eye Close")] == pytest.approx(0.5)
    assert whole[-1] == pytest.approx(0.065)


def test_the_papers_means_are_the_means_of_their_rows() -> None:
    """Guards against a digit copied wrongly."""
    for name, *figures, _ in papers.FEAFA:
        numbers = np.array(figures, float)
        assert numbers[:-1].mean() == pytest.approx(numbers[-1], abs=1e-3), name
    for name, *figures, _ in papers.AFLW2000:
        numbers = np.array(figures, float)
        assert numbers[:-1].mean() == pytest.approx(numbers[-1], abs=0.006), name


def test_a_table_in_markdown_and_for_machines() -> None:
    nothing = float("nan")
    table = Table(
        "Title",
        ("method", "a", "b"),
        [("ours", 1.234, nothing)],
        [("theirs", 2.0, 0.5, "P, table 1")],
        ("Note.",),
    )
    assert table.markdown().splitlines() == [
        "## Title",
        "",
        "| method | a | b | source |",
        "| --- | --- | --- | --- |",
        "| ours | 1.23 | - | this run |",
        "| theirs | 2.00 | 0.50 | P, table 1 |",
        "",
        "- Note.",
    ]
    facts = json.loads(json.dumps(table.facts(), allow_nan=False))
    assert facts["rows"] == [{"method": "ours", "a": 1.234, "b": None}]
    assert facts["papers"][0]["source"] == "P, table 1"


def test_a_limit_takes_pictures_from_all_over() -> None:
    assert spread(range(101), 3) == [0, 50, 100]
    assert spread([1, 2], 5) == [1, 2] and spread([1, 2], None) == [1, 2]
