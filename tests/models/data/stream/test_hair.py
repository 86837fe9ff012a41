"""Hair of batches is that of pictures drawn one by one."""

from __future__ import annotations

from dataclasses import astuple, replace

import numpy as np
import pytest
import torch

from core.face_model.model import FaceModel
from core.scene.shading import vertex_normals
from models.data import hair
from models.data.hair import HairStyle
from models.data.stream.hair import Barber, Sheets, Styles
from models.data.surface import Surface, vertex_surface
from tests.models.data.stream.conftest import HashedNoise


@pytest.fixture(scope="module")
def surface(anny: FaceModel) -> Surface:
    return vertex_surface(anny)


def _styles() -> list[HairStyle]:
    rng = np.random.default_rng(0)
    drawn = [HairStyle.draw(rng) for _ in range(40)]
    full = next(style for style in drawn if style.fringe and style.length)
    bald = replace(full, scalp=0.0, volume=0.0, fringe=0.0, length=0.0)
    shaved = replace(full, volume=0.0, fringe=0.0, length=0.0)
    short = replace(full, fringe=0.0, length=0.0)
    return [full, bald, shaved, short, replace(full, fringe=0.046, hairline=0.016), *drawn[:3]]


def _numbers(styles: list[HairStyle]) -> torch.Tensor:
    rows = [np.concatenate([np.ravel(value) for value in astuple(style)]) for style in styles]
    return torch.from_numpy(np.stack(rows)).float()


@pytest.fixture(scope="module")
def neutral(anny: FaceModel) -> np.ndarray:
    codes = np.random.default_rng(1).standard_normal((len(_styles()), len(anny.identity_basis)))
    return np.stack([anny.neutral(code.astype(np.float32)) for code in codes])


@pytest.fixture(scope="module")
def sheets(anny: FaceModel, surface: Surface, neutral: np.ndarray) -> Sheets:
    """With the noise that single pictures have."""
    barber = Barber(anny, surface.hair.clip(-1, 1))
    barber.noise = HashedNoise()  # type: ignore[assignment]
    made: Sheets = barber(Styles.of(_numbers(_styles())), torch.from_numpy(neutral))
    return made


def _drawn(sheets: Sheets, index: int) -> set[tuple[int, ...]]:
    triangles = sheets.triangles[index]
    return {tuple(row) for row in triangles[(triangles != 0).any(dim=1)].tolist()}


def test_the_same_style_is_the_same_hair(
    anny: FaceModel, surface: Surface, neutral: np.ndarray, sheets: Sheets
) -> None:
    single = hair.Barber(anny, surface)
    count = anny.vertex_count
    for index, style in enumerate(_styles()):
        faces = torch.from_numpy(anny.triangles.astype(np.int64))
        normals = vertex_normals(torch.from_numpy(neutral[index]), faces).numpy()
        made = single.sheets(style, np.array([0.1, 0.1, 0.1]), neutral[index], normals)
        expected = set()
        for sheet in made:
            shell = len(sheet.vertices) == count
            part = slice(0, count) if shell else slice(count, None)
            used = np.unique(sheet.triangles)
            expected |= {tuple(row) for row in (sheet.triangles + (0 if shell else count)).tolist()}
            off = np.linalg.norm(sheets.vertices[index, part].numpy() - sheet.vertices, axis=1)[used]
            assert np.quantile(off, 0.95) < 1e-4 and off.max() < 0.003, style  # at rims normals differ
            for name, tolerance in (("inside", 1e-5), ("grain", 1e-2)):
                found = getattr(sheets, name)[index, part].numpy()[used]
                np.testing.assert_allclose(found, getattr(sheet, name)[used], atol=tolerance, rtol=1e-4)
            np.testing.assert_allclose(sheets.ragged[index, part], sheet.ragged, rtol=1e-5)
            np.testing.assert_allclose(sheets.gloss[index, part], sheet.gloss, rtol=1e-5)
        drawn = _drawn(sheets, index)
        if style.length:  # of a short curtain's grid, only what can be seen
            expected &= drawn | {row for row in expected if max(row) < count}
        assert drawn == expected, style


def test_bald_and_shaved_heads_have_none(sheets: Sheets) -> None:
    assert not _drawn(sheets, 1) and not _drawn(sheets, 2)
    assert len(_drawn(sheets, 0)) > len(_drawn(sheets, 3)) > 1000


def test_its_own_noise_moves_hair_by_millimetres_alone(
    anny: FaceModel, surface: Surface, neutral: np.ndarray, sheets: Sheets
) -> None:
    own = Barber(anny, surface.hair.clip(-1, 1))(Styles.of(_numbers(_styles())), torch.from_numpy(neutral))
    off = (own.vertices - sheets.vertices).norm(dim=2)
    assert 0 < float(off.max()) < 0.5 * 0.03  # lumps are a quarter of the volume, at most 30 mm
    assert float(off.mean()) < 0.001
