"""Errors against labels and on held-out people, by known offsets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor, nn

from core.errors import BadInput
from core.face_model.model import FaceModel
from core.landmark_topology import FACE_OVAL
from core.scene.camera import head_rotation
from models.data.sample import Batch
from models.face_code import FaceCode, FaceCodeStd
from models.layout import Layout
from models.training import validation
from models.training.config import NetworkConfig, kind_of, make_config, read_recipe, recipes
from models.training.objectives import make_objective, view_of
from models.training.region import face_region
from models.training.source import ShardSource, load_head
from models.training.validation import rotation_angle, validate
from tests.models.training.conftest import small_config

LAYOUT = Layout("rec_net", "small", 120, 48, 64, "anny")
_EXPRESSIONS = Layout("et_net", "small", 0, 0, 64, "")


@pytest.fixture(scope="module")
def batch(shards: Path) -> Batch:
    config = small_config(shards, "et_net")
    return ShardSource(config.data, config, held_out=False).batch(0)


def _truth(batch: Batch) -> FaceCode:
    parts = (batch.identity, batch.expression, batch.albedo, batch.rotation, batch.translation, batch.sh)
    assert all(part is not None for part in parts)
    return FaceCode(*parts)  # type: ignore[arg-type]


def _turn(angle: float) -> Tensor:
    """About the axis (1, 2, 2) / 3."""
    axis = np.array([1, 2, 2]) / 3
    return torch.from_numpy(Rotation.from_rotvec(angle * axis).as_matrix()).float()[None]


def _outputs(code: FaceCode) -> tuple[Tensor, ...]:
    """As networks that do not say how sure they are return it."""
    return (code.identity, code.expression, code.albedo, code.rotation, code.translation, code.sh)


class _Says(nn.Module):
    """A network that says one thing."""

    def __init__(self, code: FaceCode) -> None:
        super().__init__()
        self.code = code

    def forward(self, images: Tensor, camera: Tensor) -> tuple[Tensor, ...]:
        return _outputs(self.code)


def _figures(code: FaceCode, batch: Batch) -> dict[str, float]:
    objective = make_objective(NetworkConfig("rec_net"), LAYOUT, load_head("anny"))
    return validate(_Says(code), objective, [batch, batch])


def test_the_truth_has_no_errors(batch: Batch) -> None:
    figures = _figures(_truth(batch), batch)
    assert set(figures) == {"coefficients", "active", "rotation_degrees", "landmarks_percent", "neutral_mm"}
    assert all(value < 1e-2 for value in figures.values()), figures


def test_known_errors_are_measured(batch: Batch, anny: FaceModel) -> None:
    truth = _truth(batch)
    turned = _turn(0.1) @ truth.rotation
    identity = truth.identity.clone()
    identity[:, 3] += 2
    off = replace(truth, expression=truth.expression + 0.1, rotation=turned, identity=identity)
    figures = _figures(off, batch)
    assert figures["coefficients"] == pytest.approx(0.1, rel=1e-4)
    assert figures["active"] == pytest.approx(0.1, rel=1e-4)
    assert figures["rotation_degrees"] == pytest.approx(np.degrees(0.1), rel=1e-3)
    moved = 2000 * np.linalg.norm(anny.identity_basis[3][face_region(anny).numpy()], axis=1).mean()
    assert figures["neutral_mm"] == pytest.approx(moved, rel=1e-3)
    assert 1 < figures["landmarks_percent"] < 50
    # of a model that is not here nobody knows how its head space is turned: no angle is told
    assert not {"neutral_mm", "rotation_degrees"} & set(_figures(off, replace(batch, model="another")))
    mirrored = replace(batch, identity_known=torch.arange(len(batch)) > 0)
    assert _figures(off, mirrored)["neutral_mm"] == pytest.approx(moved, rel=1e-3)


def test_the_turn_between_two_models_templates_is_no_error(
    batch: Batch, anny: FaceModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same heads told in a head space that is turned against anny's."""
    turn = _turn(0.3)[0].numpy()
    turned = replace(anny, template=(anny.template @ turn.T).astype(np.float32))
    monkeypatch.setattr(validation, "load_model", {"anny": anny, "turned": turned}.__getitem__)
    assert batch.rotation is not None
    told = replace(batch, model="turned", rotation=batch.rotation @ torch.from_numpy(turn.T).float())
    assert _figures(_truth(batch), told)["rotation_degrees"] < 0.05
    aside = replace(_truth(batch), rotation=_turn(0.1) @ batch.rotation)
    assert _figures(aside, told)["rotation_degrees"] == pytest.approx(np.degrees(0.1), rel=1e-2)


def test_angles_are_exact_when_small_and_when_large() -> None:
    for angle in (1e-4, 1.0, 3.0):
        start = head_rotation(0.3, -0.2).float()[None]
        assert float(rotation_angle(start, _turn(angle) @ start)) == pytest.approx(angle, rel=1e-2)


def test_the_face_is_compared_and_not_the_rest_of_the_head(anny: FaceModel) -> None:
    region = face_region(anny).numpy()
    marks = anny.landmarks(anny.template)

    def nearest(point: np.ndarray) -> bool:
        return bool(region[np.linalg.norm(anny.template - point, axis=1).argmin()])

    assert nearest(marks[1]) and nearest(marks[50]) and nearest(marks[280])
    assert not anny.region_mask("eye_left", "eye_right", "tongue")[region].any()
    assert anny.template[region, 2].min() > marks[list(FACE_OVAL), 2].min()
    top = anny.template[anny.template[:, 1].argmax()]
    assert not nearest(top)


def _label_terms(code: FaceCode, batch: Batch, **labels: float) -> dict[str, float]:
    """Of a network that learns from labels alone."""
    papers = dict.fromkeys(("photometric", "landmark", "prior"), 0.0)
    network = NetworkConfig("rec_net", loss=papers, labels=labels)
    terms = make_objective(network, LAYOUT, load_head("anny")).terms(_outputs(code), view_of(batch, 64), 0.0)
    return {name: float(value) for name, value in terms.items()}


def test_errors_against_labels_are_weighed_and_only_where_known(batch: Batch) -> None:
    truth = _truth(batch)
    labels = {
        "shape": 2.0, "identity": 5.0, "expression": 3.0, "activation": 1.0, "rotation": 1.0,
        "distance": 2.0, "landmarks": 1.0, "sh": 1.0, "albedo": 1.0,
    }  # fmt: skip
    same = _label_terms(truth, batch, **labels)
    assert set(same) == set(labels)
    assert all(value < 0.03 for value in same.values()), same
    identity = truth.identity.clone()
    identity[0] += 1
    off = replace(
        truth, identity=identity, translation=1.5 * truth.translation, expression=truth.expression + 0.1
    )
    terms = _label_terms(off, batch, **labels)
    assert terms["identity"] == pytest.approx(5 / len(batch), rel=1e-4)
    assert terms["distance"] == pytest.approx(2 * np.log(1.5), rel=1e-4)
    assert terms["expression"] == pytest.approx(0.3, rel=1e-4)
    assert terms["shape"] > same["shape"]
    unknown = replace(batch, identity_known=torch.arange(len(batch)) > 0)
    assert _label_terms(off, unknown, **labels)["identity"] < 1e-6
    other = _label_terms(off, replace(batch, model="ict"), **labels)
    assert set(other) == {"expression", "activation"}  # the pose is that of another head
    photos = replace(
        batch, expression=None, rotation=None, translation=None, identity=None, albedo=None, sh=None,
        landmarks=None, seen=batch.landmarks,
    )  # fmt: skip
    assert _label_terms(off, photos, **labels) == {}


@pytest.mark.parametrize("recipe", recipes())
def test_every_weight_of_the_recipes_has_a_term(recipe: str) -> None:
    for network in make_config(read_recipe(recipe)).networks:
        kind = kind_of(network).name
        layout = Layout(kind, network.backbone, network.identity, network.albedo, network.side, "anny")
        objective = make_objective(network, layout, load_head("anny"))
        assert {name: vars(objective.labels)[name] for name in network.labels} == network.labels


def test_networks_that_say_fewer_coefficients_learn_the_first_ones(batch: Batch) -> None:
    truth = _truth(batch)
    few = replace(truth, identity=truth.identity[:, :12], albedo=truth.albedo[:, :3])
    layout = replace(LAYOUT, identity=12, albedo=3)
    network = NetworkConfig("rec_net", labels={"identity": 1.0, "albedo": 1.0, "shape": 1.0})
    terms = make_objective(network, layout, load_head("anny")).terms(_outputs(few), view_of(batch, 64), 0.0)
    assert float(terms["identity"]) < 1e-6 and float(terms["albedo"]) < 1e-6
    assert float(terms["shape"]) < 0.02


def test_networks_that_say_how_sure_they_are_learn_to(batch: Batch) -> None:
    truth = _truth(batch)
    network = NetworkConfig("rec_net", spread=True, labels={"spread": 1.0})
    objective = make_objective(network, LAYOUT, load_head("anny"))
    off = replace(truth, expression=truth.expression + 0.1)

    def spread_term(size: float) -> float:
        spread = FaceCodeStd(
            torch.full_like(truth.identity, 0.5), torch.full_like(truth.expression, size),
            torch.full((len(batch), 3), 0.1),
        )  # fmt: skip
        return float(objective.terms((*_outputs(off), *vars(spread).values()), view_of(batch, 64), 0.0)[
            "spread_expression"
        ])  # fmt: skip

    assert spread_term(0.1) < min(spread_term(0.05), spread_term(0.2))
    expressions = make_objective(NetworkConfig("et_net", labels={"spread": 1.0}), _EXPRESSIONS, None)
    doubt = torch.full_like(off.expression, 0.1)
    terms = expressions.terms((off.expression, doubt), view_of(batch, 64), 0.0)
    assert float(terms["spread_expression"]) == pytest.approx(spread_term(0.1), rel=1e-5)
    assert "activation" in terms


def test_photos_teach_by_their_looks_and_landmarks_alone(batch: Batch) -> None:
    photos = Batch(
        batch.image, batch.person, batch.frame, "", batch.skin, seen=batch.landmarks, presence=None
    )  # fmt: skip
    view = view_of(photos, 64)
    assert view.camera[0].tolist() == pytest.approx([290, 290, 32, 32])
    code = _truth(batch)
    network = NetworkConfig("rec_net", labels={"expression": 1.0, "identity": 1.0})
    terms = make_objective(network, LAYOUT, load_head("anny")).terms(_outputs(code), view, 0.0)
    assert set(terms) == {"photometric", "landmark", "prior"}
    expressions = make_objective(NetworkConfig("et_net"), _EXPRESSIONS, None)
    assert expressions.terms((code.expression,), view, 0.0) == {}
    with pytest.raises(BadInput, match="no landmarks"):
        view_of(replace(photos, seen=None), 64)


def test_smaller_pictures_keep_what_is_seen_where(batch: Batch) -> None:
    whole, small = view_of(batch, 224), view_of(batch, 112)
    assert small.observed.image.shape[-1] == 112
    torch.testing.assert_close(small.camera, whole.camera / 2)
    torch.testing.assert_close(small.observed.landmarks, whole.observed.landmarks / 2)
    halved = nn.functional.avg_pool2d(whole.observed.image, 2)
    assert float((small.observed.image - halved).abs().mean()) < 0.01
