"""Batches of rendered people: functions of the step, with labels that are true of the pictures."""

from __future__ import annotations

import pytest
import torch

from core.errors import BadInput
from core.landmark_topology import EYE_LEFT, EYE_RIGHT
from models.crops import SIDE
from models.data.heads import LandmarkReader
from models.data.sample import Batch
from models.data.stream.bank import Bank
from models.data.stream.source import StreamSource
from models.face_code import FaceCode
from models.losses.supervised import SupervisedLoss
from models.rendering import FaceRenderer
from tests.models.data.stream.conftest import CPU


def _known(value: torch.Tensor | None) -> torch.Tensor:
    assert value is not None
    return value


@pytest.fixture(scope="module")
def batch(source: StreamSource) -> Batch:
    return source.batch(3)


@pytest.fixture(scope="module")
def both(both_banks: Bank) -> Batch:
    """One person of each model in two frames."""
    return StreamSource(both_banks, 2, 2, CPU, seed=2).batch(0)


def _same(one: Batch, other: Batch) -> bool:
    pairs = [(getattr(one, name), getattr(other, name)) for name in vars(one)]
    return all(torch.equal(a, b) for a, b in pairs if isinstance(a, torch.Tensor))


def test_a_batch_depends_on_seed_process_and_step_alone(bank: Bank) -> None:
    def picture(step: int, seed: int = 1, rank: int = 0) -> Batch:
        return StreamSource(bank, 1, 1, CPU, seed, rank).batch(step)

    whole = StreamSource(bank, 1, 1, CPU, seed=1)
    first, second = whole.batch(3), whole.batch(4)
    assert _same(picture(3), first) and _same(picture(4), second)
    for other in (second, picture(3, seed=0), picture(3, rank=1)):
        assert not torch.equal(other.image, first.image)
        assert not (_known(other.identity) == _known(first.identity)).any()
    people = [int(batch.person) for batch in (first, second, picture(3, rank=1))]
    assert len(set(people)) == 3


def test_people_come_one_after_the_other_in_several_frames(batch: Batch, bank: Bank) -> None:
    first = int(batch.person[0])
    assert (
        batch.person.tolist() == [first, first, first + 1, first + 1] and batch.frame.tolist() == [0, 1] * 2
    )
    for name in ("identity", "albedo"):
        values = _known(getattr(batch, name))
        assert torch.equal(values[0], values[1]) and torch.equal(values[2], values[3])
        assert not torch.equal(values[1], values[2])
    skins = torch.from_numpy(bank.models["anny"].skins.albedo)
    assert all((skins == row).all(dim=1).any() for row in _known(batch.albedo))
    shown = torch.from_numpy(bank.expressions)
    assert all((shown == row).all(dim=1).any() for row in _known(batch.expression))
    assert batch.model == "anny" and bool(_known(batch.identity_known).all())
    assert 0.5 < float(_known(batch.identity).std()) < 1.2


def _code(batch: Batch) -> FaceCode:
    """What the labels say."""
    labels = (batch.identity, batch.expression, batch.albedo, batch.rotation, batch.translation, batch.sh)
    identity, expression, albedo, rotation, translation, sh = (_known(label) for label in labels)
    return FaceCode(identity, expression, albedo, rotation, translation, sh)


def _off(batch: Batch, bank: Bank) -> torch.Tensor:
    """Pixels between the true landmarks and those that the labels say."""
    loss = SupervisedLoss(bank.models["anny"].model, 120)
    return (loss.landmarks(_code(batch), _known(batch.camera)) - _known(batch.landmarks)[..., :2]).norm(dim=2)


def test_labels_put_landmarks_where_the_picture_has_them(batch: Batch, bank: Bank) -> None:
    assert float(_off(batch, bank).max()) < 1e-2


def test_labels_of_ict_heads_are_those_of_annys_nearest_heads(both: Batch, both_banks: Bank) -> None:
    off = _off(both, both_banks)
    assert float(off[:2].max()) < 1e-2
    assert float(off[2:].mean()) < 3.5 and float(off[2:].median()) < 3
    albedo = _known(both.albedo)
    assert bool(albedo[:2].isfinite().all()) and bool(albedo[2:].isnan().all())
    assert len(set(both.person.tolist())) == 2 and both.frame.tolist() == [0, 1, 0, 1]
    rotation = _known(both.rotation)
    torch.testing.assert_close(rotation @ rotation.mT, torch.eye(3).expand(4, 3, 3), atol=1e-4, rtol=0)


def test_people_are_shared_out_among_models(both_banks: Bank, bank: Bank) -> None:
    for people in (1, 3):
        with pytest.raises(BadInput, match="cannot be shared out among 2"):
            StreamSource(both_banks, people, 2, CPU)
    with pytest.raises(BadInput):
        StreamSource(bank, 0, 2, CPU)


def test_pictures_show_what_the_labels_say(source: StreamSource) -> None:
    """MediaPipe finds most landmarks where they are said to be; nobody's nose is behind a hand twice."""
    reader = LandmarkReader()
    shares = []
    for step in (10, 11):
        batch = source.batch(step)
        for index in range(len(batch)):
            true = _known(batch.landmarks)[index].numpy()
            looks = reader.look(batch.image[index].numpy(), true)[0]
            eyes = true[EYE_LEFT[0], :2] - true[EYE_RIGHT[0], :2]
            away = torch.from_numpy(looks.mean(axis=0)[:, :2] - true[:, :2]).norm(dim=1).median()
            shares.append(float(away) / float(torch.from_numpy(eyes).norm()))
    assert float(torch.tensor(shares).median()) < 0.06, shares


def test_masks_hold_the_skin(batch: Batch) -> None:
    assert set(batch.skin.unique().tolist()) == {0, 255}
    share = (batch.skin > 0).float().mean(dim=(1, 2))
    assert float(share.min()) > 0.1 and float(share.max()) < 0.75
    at = _known(batch.landmarks)[:, [50, 280, 4, 151]].round().long()  # cheeks, nose, forehead
    seen = [bool(batch.skin[index, y, x]) for index, places in enumerate(at) for x, y, _ in places.tolist()]
    assert sum(seen) > 0.7 * len(seen)
    eyes = _known(batch.landmarks)[:, [468, 473]].round().long()  # irises
    shown = [bool(batch.skin[i, y, x]) for i, places in enumerate(eyes) for x, y, _ in places.tolist()]
    assert sum(shown) < 0.5 * len(shown)


def test_skin_and_light_are_those_of_the_picture(batch: Batch, bank: Bank) -> None:
    """Heads that are drawn plainly from the labels are as light and dark as the picture, place by place."""
    part = bank.models["anny"]
    mean, modes = (torch.from_numpy(values) for values in (part.skins.albedo_mean, part.skins.albedo_modes))
    drawn = FaceRenderer(part.model, mean, modes, SIDE)(_code(batch), _known(batch.camera))
    for index in range(len(batch)):
        both = (batch.skin[index] > 0) & (drawn.skin[index] > 0.5)
        picture, plain = (image[index][:, both].mean(dim=0) for image in (batch.pixels, drawn.image))
        assert float(both.float().mean()) > 0.05
        assert float((picture - plain).abs().mean()) < 0.08
        assert float(torch.corrcoef(torch.stack([picture, plain]))[0, 1]) > 0.5
