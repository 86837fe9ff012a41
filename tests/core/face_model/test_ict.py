"""The real ICT-FaceKit: read once for all tests, straight from the archive (about six seconds)."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import numpy as np
import pytest

from core.arkit import ARKIT_INDEX, ARKIT_NAMES, mirrored_name
from core.errors import ModelUnreadable
from core.face_model.cache import read_cached, write_cached
from core.face_model.checks import check_model
from core.face_model.ict import convert_ict
from core.face_model.model import JOINTS, REGIONS, FaceModel


@pytest.fixture(scope="session")
def ict_archive() -> Path:
    data = os.environ.get("SEMBLANCE_TEST_DATA")
    if not data:
        pytest.skip("SEMBLANCE_TEST_DATA is not set: ICT-FaceKit is not here")
    path = Path(data) / "face_models" / "ict-facekit.tar.xz"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    return path


@pytest.fixture(scope="session")
def ict(ict_archive: Path) -> FaceModel:
    return convert_ict(ict_archive)


def _delta(model: FaceModel, name: str) -> np.ndarray:
    return model.expression_deltas[ARKIT_INDEX[name]]


def test_it_hangs_together_in_metres_between_the_eyes(ict: FaceModel) -> None:
    check_model(ict, "ict")
    assert ict.vertex_count == 24_359 and len(ict.identity_basis) == 100
    assert 0.3 < np.ptp(ict.template[:, 1]) < 0.36
    joints = dict(zip(JOINTS, ict.joints(ict.template), strict=True))
    np.testing.assert_allclose(joints["eye_left"] + joints["eye_right"], 0, atol=1e-6)
    assert 0.058 < joints["eye_left"][0] - joints["eye_right"][0] < 0.066
    skin = ict.template[ict.region_mask("skin")]
    nose = skin[skin[:, 2].argmax()]
    assert abs(nose[0]) < 2e-3 and -0.06 < nose[1] < -0.02


def test_joints_lie_inside_the_head_and_follow_identities(ict: FaceModel) -> None:
    rng = np.random.default_rng(0)
    for coefficients in [np.zeros(100), *rng.normal(size=(3, 100))]:
        head = ict.neutral(coefficients.astype(np.float32))
        neck, skull, jaw, left, right = ict.joints(head)
        assert neck[1] < skull[1] and abs(jaw[0]) < 5e-3
        assert head[ict.region_mask("teeth_lower"), 2].max() > jaw[2] + 0.03
        assert max(neck[1], skull[1], jaw[1]) < min(left[1], right[1])
        for joint in (skull, jaw, neck):
            near = np.abs(head[:, 1] - joint[1]) < 0.02
            assert head[near, 2].min() < joint[2] < head[near, 2].max()
        for joint, region in ((left, "eye_left"), (right, "eye_right")):
            distance = np.linalg.norm(head[ict.region_mask(region)] - joint, axis=1)
            assert distance.max() < 1.3 * distance.min()


def test_template_and_shapes_are_symmetric(ict: FaceModel) -> None:
    twin = ict.mirror
    np.testing.assert_array_equal(twin[twin], np.arange(ict.vertex_count))
    np.testing.assert_allclose(ict.template[twin], ict.template * [-1, 1, 1], atol=4e-4)
    mirrored = ict.region_mask("eye_left")
    np.testing.assert_array_equal(mirrored[twin], ict.region_mask("eye_right"))
    for name in ARKIT_NAMES:
        other = _delta(ict, mirrored_name(name))
        difference = _delta(ict, name)[twin] * [-1, 1, 1] - other
        assert (difference**2).sum() <= 0.02 * (other**2).sum(), name


@pytest.mark.parametrize("name", [name for name in ARKIT_NAMES if name.endswith("Left")])
def test_left_is_the_persons_left(ict: FaceModel, name: str) -> None:
    moved = (_delta(ict, name) ** 2).sum(axis=1)
    centre = moved @ ict.template[:, 0] / moved.sum()
    if name in ("jawLeft", "mouthLeft"):
        assert (moved @ _delta(ict, name)[:, 0]) / moved.sum() > 1e-3
    else:
        assert centre > 0.008


def test_shapes_do_what_they_are_called(ict: FaceModel) -> None:
    lids = _delta(ict, "eyeBlinkLeft")
    assert lids[np.linalg.norm(lids, axis=1).argmax(), 1] < -5e-3
    assert not _delta(ict, "tongueOut").any()
    lower, upper = ict.region_mask("teeth_lower"), ict.region_mask("teeth_upper")
    assert _delta(ict, "jawOpen")[lower, 1].mean() < -0.02 and not _delta(ict, "jawOpen")[upper].any()
    assert _delta(ict, "jawOpen")[ict.region_mask("tongue"), 1].mean() < -0.01
    assert not _delta(ict, "mouthSmileLeft")[lower | upper].any()
    for name, axis, sign in (("eyeLookUpRight", 1, 1), ("eyeLookInRight", 0, 1), ("eyeLookOutRight", 0, -1)):
        ball = ict.region_mask("eye_right") & (ict.template[:, 2] > 0.01)
        assert sign * _delta(ict, name)[ball, axis].mean() > 3e-3
    brows = ict.masks["brows"] > 0.5
    for side in (ict.template[:, 0] > 0.01, ict.template[:, 0] < -0.01):
        assert _delta(ict, "browInnerUp")[brows & side, 1].max() > 3e-3


def test_skin_weights_follow_the_jaw(ict: FaceModel) -> None:
    weights = dict(zip(JOINTS, ict.skin_weights.T, strict=True))
    assert (weights["jaw"][ict.region_mask("teeth_lower")] > 0.99).all()
    assert (weights["jaw"][ict.region_mask("teeth_upper", "lashes", "eye_left")] == 0).all()
    assert (weights["eye_left"][ict.region_mask("eye_left")] == 1).all()
    assert weights["neck"][ict.template[:, 1].argmin()] == 1
    assert weights["head"][ict.template[:, 1].argmax()] == 1
    chin = ict.region_mask("skin") & (ict.template[:, 2] > 0) & (_delta(ict, "jawOpen")[:, 1] < -0.035)
    assert chin.any() and weights["jaw"][chin].min() > 0.8


def test_masks_are_where_they_belong(ict: FaceModel) -> None:
    x, _, z = ict.template.T
    centre = {name: mask @ ict.template / mask.sum() for name, mask in ict.masks.items()}
    assert set(centre) == {"face", "lips", "brows", "ears", "neck", "scalp"}
    assert centre["brows"][1] > 0.005 and centre["scalp"][1] > centre["brows"][1]
    assert centre["neck"][1] < centre["lips"][1] < -0.04
    assert np.abs(x[ict.masks["ears"] > 0.5]).min() > 0.05 and z[ict.masks["ears"] > 0.5].max() < -0.05
    for name, mask in ict.masks.items():
        assert not mask[~ict.region_mask("skin")].any(), name
        np.testing.assert_allclose(mask[ict.mirror], mask, atol=0.35)


def test_texture_parts_do_not_overlap(ict: FaceModel) -> None:
    assert ict.uv.min() >= 0 and ict.uv.max() <= 1
    corner_region = ict.region[ict.polygon_vertices]
    cell = np.floor(ict.uv * 120).astype(int) @ [1000, 1]
    texture_of = {"skin": 0, "mouth_interior": 0, "eye_socket": 0, "tongue": 0}
    group = np.array([texture_of.get(name, index) for index, name in enumerate(REGIONS)])
    group[[REGIONS.index("teeth_upper"), REGIONS.index("teeth_lower")]] = REGIONS.index("teeth_upper")
    pairs = np.unique(np.c_[cell, group[corner_region]], axis=0)
    assert len(np.unique(pairs[:, 0])) == len(pairs)


def test_identities_are_whitened_principal_components(ict: FaceModel) -> None:
    size = np.sqrt((ict.identity_basis**2).sum(axis=2).mean(axis=1))
    assert 2e-3 < size[0] < 8e-3 and size[0] > size[10] > size[60]


def test_the_cache_keeps_heads_within_ten_micrometres(ict: FaceModel, tmp_path: Path) -> None:
    write_cached(tmp_path / "ict.npz", ict, "key")
    read = read_cached(tmp_path / "ict.npz", "key")
    assert read is not None
    for coefficients in np.random.default_rng(0).normal(size=(3, 100)).astype(np.float32):
        np.testing.assert_allclose(read.neutral(coefficients), ict.neutral(coefficients), atol=1e-5)
    np.testing.assert_allclose(read.expression_deltas, ict.expression_deltas, atol=1e-6)
    assert (tmp_path / "ict.npz").stat().st_size < 20e6


def test_an_incomplete_archive_names_what_is_missing(ict_archive: Path, tmp_path: Path) -> None:
    path = tmp_path / "part.tar"
    with tarfile.open(ict_archive, "r|*") as whole, tarfile.open(path, "w") as part:
        for _, member in zip(range(4), whole, strict=False):
            part.addfile(member, whole.extractfile(member))
    with pytest.raises(ModelUnreadable, match=r"\.obj is missing"):
        convert_ict(path)
