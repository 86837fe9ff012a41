"""FLAME, BFM and GNM files, and the mapping of ARKit's shapes onto such heads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.arkit import ARKIT_INDEX, ARKIT_NAMES
from core.errors import ModelMissing, ModelUnreadable
from core.face_model.bfm import convert_bfm
from core.face_model.building import JAW_POINT
from core.face_model.checks import check_model
from core.face_model.embedding_data import has_landmarks
from core.face_model.flame import convert_flame
from core.face_model.gnm import convert_gnm
from core.face_model.model import JOINTS, REGIONS
from core.face_model.pca_head import PcaHead, map_expressions
from tests.core.face_model import small_heads


def _flame_pickle(file: Path) -> None:
    small_heads.write_flame_pickle(file, small_heads.flame_arrays())


def _flame_npz(file: Path) -> None:
    arrays = small_heads.flame_arrays()
    np.savez(file, **(arrays | {"J_regressor": arrays["J_regressor"].toarray()}))


def _bfm(file: Path) -> None:
    small_heads.write_bfm(file, small_heads.bfm_arrays())


def _gnm(file: Path) -> None:
    np.savez(file, **small_heads.gnm_arrays())


FORMATS = {
    "flame.pkl": (_flame_pickle, convert_flame),
    "flame.npz": (_flame_npz, convert_flame),
    "bfm.mat": (_bfm, convert_bfm),
    "gnm.npz": (_gnm, convert_gnm),
}


@pytest.fixture(params=list(FORMATS))
def head(request: pytest.FixtureRequest, tmp_path: Path) -> PcaHead:
    write, convert = FORMATS[request.param]
    write(tmp_path / request.param)
    return convert(tmp_path / request.param)


def test_head_hangs_together_between_its_eyes(head: PcaHead) -> None:
    model = head.model
    check_model(model, "file")
    assert not has_landmarks(model)
    joints = model.joints(model.template)
    np.testing.assert_allclose(joints[3:].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(joints[3] - joints[4], [0.06, 0, 0], atol=0.015)
    assert (joints[:3, 1] < 0.02).all()
    np.testing.assert_array_equal(model.mirror[model.mirror], np.arange(model.vertex_count))
    assert (model.mirror != np.arange(model.vertex_count)).mean() > 0.9
    assert len(model.identity_basis) == 8
    assert 5e-4 < np.abs(model.identity_basis).max() < 1e-2
    assert model.uv.min() >= 0 and model.uv.max() <= 1


def test_polygons_face_outwards(head: PcaHead) -> None:
    model = head.model
    skin = model.triangles[model.region[model.triangles[:, 0]] == 0]
    a, b, c = (model.template[skin[:, corner]] for corner in range(3))
    outwards = (np.cross(b - a, c - a) * (a - model.template.mean(axis=0))).sum(axis=1)
    assert (outwards > 0).mean() > 0.95


def test_flame_pickle_and_npz_give_the_same(tmp_path: Path) -> None:
    _flame_pickle(tmp_path / "a.pkl")
    _flame_npz(tmp_path / "b.npz")
    a, b = convert_flame(tmp_path / "a.pkl"), convert_flame(tmp_path / "b.npz")
    np.testing.assert_array_equal(a.expression_basis, b.expression_basis)
    np.testing.assert_array_equal(a.model.skin_weights, b.model.skin_weights)


def test_flame_jaw_is_among_its_expressions(tmp_path: Path) -> None:
    _flame_pickle(tmp_path / "a.pkl")
    head = convert_flame(tmp_path / "a.pkl")
    opening = head.expression_basis[100]
    chin = head.model.skin_weights[:, 2] > 0.5
    assert opening[chin & (head.model.template[:, 2] > 0), 1].max() < -1e-3
    assert not opening[head.model.skin_weights[:, 2] == 0].any()


def test_flame_eyes_are_told_apart_by_place(tmp_path: Path) -> None:
    arrays = small_heads.flame_arrays()
    order = [0, 1, 2, 4, 3]
    arrays |= {"weights": arrays["weights"][:, order], "J_regressor": arrays["J_regressor"][order]}
    small_heads.write_flame_pickle(tmp_path / "a.pkl", arrays)
    model = convert_flame(tmp_path / "a.pkl").model
    assert (model.template[model.region_mask("eye_left"), 0] > 0).all()
    assert model.joints(model.template)[3, 0] > 0


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_missing_and_foreign_files_are_refused(name: str, tmp_path: Path) -> None:
    write, convert = FORMATS[name]
    file = tmp_path / name
    with pytest.raises(ModelMissing, match=name):
        convert(file)
    write(file)
    content = file.read_bytes()
    for damaged in (b"", content[: len(content) // 2], b"not a model" * 100):
        file.write_bytes(damaged)
        with pytest.raises(ModelUnreadable, match=name):
            convert(file)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("f", np.full((4, 3), 10_000)),
        ("weights", np.zeros((3, 5))),
        ("shapedirs", np.zeros((2, 3, 200))),
        ("v_template", np.full((4, 3), np.nan)),
    ],
)
def test_flame_arrays_must_fit(key: str, value: np.ndarray, tmp_path: Path) -> None:
    small_heads.write_flame_pickle(
        tmp_path / "a.pkl", small_heads.flame_arrays() | {key: value}, chumpy=False
    )
    with pytest.raises(ModelUnreadable):
        convert_flame(tmp_path / "a.pkl")


def test_bfm_needs_the_converted_layout(tmp_path: Path) -> None:
    arrays = small_heads.bfm_arrays()
    arrays["shapeMU"] = arrays.pop("meanshape")  # the original Basel file
    small_heads.write_bfm(tmp_path / "a.mat", arrays)
    with pytest.raises(ModelUnreadable, match="meanshape"):
        convert_bfm(tmp_path / "a.mat")
    arrays = small_heads.bfm_arrays()
    arrays["tri"] = arrays["tri"] + 10_000
    small_heads.write_bfm(tmp_path / "a.mat", arrays)
    with pytest.raises(ModelUnreadable, match="fit"):
        convert_bfm(tmp_path / "a.mat")


def test_gnm_keeps_quads_and_separates_textures(tmp_path: Path) -> None:
    _gnm(tmp_path / "a.npz")
    model = convert_gnm(tmp_path / "a.npz").model
    assert (np.diff(model.polygon_starts) == 4).all()
    region = model.region[model.polygon_vertices[model.polygon_starts]]
    uv = model.uv.reshape(-1, 4, 2)
    assert uv[region == 0, :, 0].max() <= 0.75
    assert uv[region == 1].min() >= 0.75 and uv[region == 2, :, 0].min() >= 0.75
    assert uv[region == 2, :, 1].max() <= 0.75
    arrays = small_heads.gnm_arrays()
    arrays["joint_names"] = np.array(["neck", "head", "jaw", "left_eye"])
    np.savez(tmp_path / "b.npz", **arrays)
    with pytest.raises(ModelUnreadable, match="right_eye"):
        convert_gnm(tmp_path / "b.npz")


def _head_to_map(components: int) -> PcaHead:
    """The small model without its shapes, moved, turned and larger, with components of those shapes."""
    model = small_heads.small_model()
    basis = np.zeros((1, *model.template.shape), np.float32)
    if components:
        mix = np.random.default_rng(3).normal(size=(components, len(ARKIT_NAMES)))
        basis = 1.2 * np.tensordot(mix, model.expression_deltas, axes=1).astype(np.float32)
    bare = replace(
        model, template=1.2 * model.template, expression_deltas=np.zeros_like(model.expression_deltas)
    )
    return PcaHead(bare, basis)


def test_mapped_shapes_are_the_references_in_the_heads_size() -> None:
    reference = small_heads.small_model()
    mapped = map_expressions(_head_to_map(components=52), reference)
    check_model(mapped, "mapped")
    seen = np.unique(reference.triangles[reference.landmark_triangles])
    rows = [row for row, name in enumerate(ARKIT_NAMES) if not name.startswith(("eyeBlink", "tongue"))]
    truth = 1.2 * reference.expression_deltas[rows][:, seen]
    error = np.linalg.norm(mapped.expression_deltas[rows][:, seen] - truth, axis=2)
    assert error.max() < 0.25 * np.linalg.norm(truth, axis=2).max()
    assert np.sqrt((error**2).mean() / (truth**2).sum(axis=2).mean()) < 0.1


def test_without_fitting_components_landmarks_still_follow() -> None:
    reference = small_heads.small_model()
    mapped = map_expressions(_head_to_map(components=0), reference)
    for name in ("browInnerUp", "mouthSmileLeft", "jawForward"):
        row = ARKIT_INDEX[name]
        before = reference.landmarks(reference.template)
        truth = 1.2 * (reference.landmarks(reference.template + reference.expression_deltas[row]) - before)
        moved = mapped.landmarks(mapped.template + mapped.expression_deltas[row]) - 1.2 * before
        correlation = (truth * moved).sum() / np.sqrt((truth**2).sum() * (moved**2).sum())
        assert correlation > 0.95


def test_gaze_turns_eyeballs_and_nothing_else_moves_them() -> None:
    mapped = map_expressions(_head_to_map(components=8), small_heads.small_model())
    left = mapped.region_mask("eye_left")
    outwards = mapped.expression_deltas[ARKIT_INDEX["eyeLookOutLeft"]]
    front = left & (mapped.template[:, 2] > 0.01)
    assert outwards[front, 0].min() > 1e-3
    assert np.abs(outwards[left].mean(axis=0)).max() < 1e-4
    still = [row for row, name in enumerate(ARKIT_NAMES) if not name.startswith("eyeLook")]
    assert not mapped.expression_deltas[still][:, left].any()
    assert not mapped.expression_deltas[ARKIT_INDEX["tongueOut"]].any()


def test_eyes_that_hang_on_the_lids_do_not_turn() -> None:
    head = _head_to_map(components=0)
    region = head.model.region.copy()
    patch = np.linalg.norm(head.model.template - [0.036, 0.0, 0.02], axis=1) < 0.02
    region[patch & (region == 0)] = REGIONS.index("eye_left")
    attached = map_expressions(
        replace(head, model=replace(head.model, region=region)), small_heads.small_model()
    )
    free = map_expressions(head, small_heads.small_model())
    ball = free.region_mask("eye_left")
    gaze = ARKIT_INDEX["eyeLookUpLeft"]
    assert np.ptp(free.expression_deltas[gaze, ball, 1]) > 5e-3
    assert np.abs(attached.expression_deltas[gaze, ball]).max() < 2e-3


def test_one_sided_shapes_stay_on_their_side() -> None:
    reference = small_heads.small_model()
    symmetric = (reference.expression_deltas + reference.expression_deltas[:, reference.mirror])[:40]
    mapped = map_expressions(replace(_head_to_map(components=0), expression_basis=symmetric), reference)
    far_right = mapped.template[:, 0] < -0.045
    for name in ("browDownLeft", "mouthSmileLeft", "cheekSquintLeft"):
        delta = np.linalg.norm(mapped.expression_deltas[ARKIT_INDEX[name]], axis=1)
        assert delta[far_right].max() < 0.1 * delta.max()


def test_a_head_without_jaw_gets_one_from_its_open_mouth() -> None:
    mapped = map_expressions(_head_to_map(components=52), small_heads.small_model())
    jaw = JOINTS.index("jaw")
    moved = np.linalg.norm(mapped.expression_deltas[ARKIT_INDEX["jawOpen"]], axis=1)
    assert mapped.skin_weights[moved == moved.max(), jaw].min() > 0.5
    assert not mapped.skin_weights[mapped.region_mask("eye_left", "eye_right"), jaw].any()
    assert np.linalg.norm(mapped.joints(mapped.template)[jaw] - JAW_POINT) < 0.05
