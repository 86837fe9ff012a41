"""Normals of surfaces raised by an image of heights."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import gradcheck

from core.scene.camera import portrait_camera, transform
from core.scene.interpolation import interpolate
from core.scene.rasterise import rasterise
from core.scene.relief import Relief, displaced_normals, height_slopes, raised_normals, uv_gradients
from core.scene.render import render_clay
from core.scene.shading import vertex_normals

SIDE = 1024
WAVES = torch.tensor([70.0, 40.0])  # radians a unit, across and up
HEIGHT = 0.004


def waves(at: Tensor) -> Tensor:
    """Heights of waves over a plane."""
    return HEIGHT * torch.sin(at[..., :2] @ WAVES)


def normals_of_waves(at: Tensor) -> Tensor:
    slope = HEIGHT * torch.cos(at[..., :2] @ WAVES).unsqueeze(-1) * WAVES
    return F.normalize(torch.cat([-slope, torch.ones_like(slope[..., :1])], dim=-1), dim=-1)


def texel_centres(side: int = SIDE) -> Tensor:
    """u and v of every texel."""
    steps = (torch.arange(side) + 0.5) / side
    return torch.stack(torch.meshgrid(1 - steps, steps, indexing="ij")[::-1], dim=-1)


def sheet(cells: int, size: float = 1.0) -> tuple[Tensor, Tensor]:
    """A square of triangles around the origin that faces +z."""
    row, column = torch.meshgrid(torch.arange(cells + 1), torch.arange(cells + 1), indexing="ij")
    points = torch.stack([column, row, torch.zeros_like(row)], dim=-1).reshape(-1, 3) / cells - 0.5
    points[:, 2] = 0
    first = (row * (cells + 1) + column)[:-1, :-1].flatten()
    lower = torch.stack([first, first + 1, first + cells + 2], dim=1)
    upper = torch.stack([first, first + cells + 2, first + cells + 1], dim=1)
    return points * size, torch.cat([lower, upper])


def bent_sheet(cells: int = 12) -> tuple[Tensor, Tensor, Tensor]:
    """A sheet that is curved in one direction and sheared in the other, and its layout."""
    points, triangles = sheet(cells)
    x, y, _ = points.unbind(-1)
    return torch.stack([x + 0.05 * y, y, (4 * x).cos() / 6], dim=1), triangles, points[:, :2] + 0.5


def on_layout(turn: float, scale: float, mirrored: bool) -> tuple[Tensor, Tensor]:
    """Of waves over the sheet, laid out in some way: normals at random points, and the true ones."""
    cosine, sine = scale * math.cos(turn), scale * math.sin(turn)
    layout = torch.tensor([[cosine, -sine], [sine, cosine]]) @ torch.diag(
        torch.tensor([-1.0 if mirrored else 1.0, 1.0])
    )
    points, triangles = sheet(4)
    gradients = uv_gradients(points, triangles, points[:, :2] @ layout.T + 0.5, triangles)
    heights = waves((texel_centres() - 0.5) @ torch.linalg.inv(layout).T)
    at = torch.rand(200, 3, generator=torch.Generator().manual_seed(0)) * 0.9 - 0.45
    straight = torch.tensor([0.0, 0.0, 1.0]).expand(200, 3)
    uv = at[:, :2] @ layout.T + 0.5
    # every corner of a plane has the same gradients
    torch.testing.assert_close(gradients, gradients[:1].expand_as(gradients))
    return displaced_normals(
        straight, uv, gradients[:1].expand(200, 2, 3), height_slopes(heights)
    ), normals_of_waves(at)


def test_waves_on_a_plane_have_the_normals_of_the_formula() -> None:
    found, true = on_layout(0.0, 0.9, False)
    assert float((true[:, :2].norm(dim=-1)).max()) > 0.25
    torch.testing.assert_close(found, true, atol=6e-4, rtol=0)


@settings(max_examples=40, deadline=None)
@given(st.floats(-math.pi, math.pi), st.floats(0.45, 0.7), st.booleans())
def test_how_the_layout_lies_does_not_matter(turn: float, scale: float, mirrored: bool) -> None:
    found, true = on_layout(turn, scale, mirrored)
    torch.testing.assert_close(found, true, atol=3e-3, rtol=0)


def test_no_height_changes_nothing_and_size_does_not_matter() -> None:
    points, triangles, uv = bent_sheet()
    normals = F.normalize(torch.randn(len(uv), 3, generator=torch.Generator().manual_seed(1)), dim=-1)
    heights = waves(texel_centres())

    def raised(size: float, height: float) -> Tensor:
        gradients = uv_gradients(points * size, triangles, uv, triangles)
        return displaced_normals(normals, uv, gradients, height_slopes(heights * height))

    torch.testing.assert_close(raised(1, 0), normals)
    torch.testing.assert_close(raised(1, 1), raised(2e-3, 2e-3))
    assert float((raised(1, 1) - normals).abs().max()) > 0.1


def test_triangles_that_are_no_area_in_the_layout_have_no_relief() -> None:
    points, triangles, uv = bent_sheet()
    for flat in (uv * torch.tensor([1.0, 0.0]), uv * 0 + 0.3, uv[:, :1].expand(-1, 2)):
        assert not bool(uv_gradients(points, triangles, flat.contiguous(), triangles).any())
    assert bool(uv_gradients(points * 0, triangles, uv, triangles).isfinite().all())


def test_a_single_texel_is_flat() -> None:
    assert height_slopes(torch.ones(1, 1)).tolist() == [[[0, 0]]]


def test_gradients_reach_the_heights() -> None:
    generator = torch.Generator().manual_seed(2)
    heights, gradients = torch.rand(4, 4, generator=generator), torch.rand(6, 2, 3, generator=generator)
    normals = F.normalize(torch.rand(6, 3, generator=generator).double(), dim=-1)
    uv = 0.2 + 0.6 * torch.rand(6, 2, generator=generator)
    assert gradcheck(
        lambda h: displaced_normals(normals, uv.double(), gradients.double(), height_slopes(h)),
        [heights.double().requires_grad_()],
    )


def test_a_coarse_mesh_with_relief_has_the_normals_of_a_fine_one_that_is_displaced() -> None:
    camera, rotation, translation = portrait_camera(150, 1.0, distance=4.0, yaw=0.3, pitch=0.2)
    seen = []
    for cells in (500, 20):
        points, triangles, uv = bent_sheet(cells)
        points = transform(points, rotation, translation)
        if cells == 500:
            points = points + vertex_normals(points, triangles) * waves(uv).unsqueeze(-1)
        fragments = rasterise(points, triangles, camera)
        normals = F.normalize(interpolate(fragments, triangles, vertex_normals(points, triangles)), dim=-1)
        seen.append((fragments, normals))
    fragments, plain = seen[1]
    relief = Relief(waves(texel_centres()), uv, triangles)
    raised = plain.clone()
    raised[fragments.covered] = raised_normals(plain[fragments.covered], fragments, triangles, points, relief)
    both = seen[0][0].covered & fragments.covered
    before, after = ((normals - seen[0][1])[both].norm(dim=-1) for normals in (plain, raised))
    assert float(after.median()) < 0.06 * float(before.median())
    # where the surface is seen at a slant, what is raised also shows elsewhere in the picture
    assert float(after.quantile(0.95)) < 0.35 * float(before.median())


def test_triangles_without_relief_stay_as_they_are() -> None:
    points, triangles, uv = bent_sheet()
    camera, rotation, translation = portrait_camera(60, 1.0, distance=4.0)
    in_camera = transform(points, rotation, translation)
    fragments = rasterise(in_camera, triangles, camera)
    seen = fragments.triangle[fragments.covered].long()
    normals = F.normalize(torch.rand(len(seen), 3), dim=-1)
    own = torch.arange(len(triangles)) % 2 == 0
    relief = Relief(waves(texel_centres()), uv, triangles.where(own[:, None], torch.tensor(-1)))
    raised = raised_normals(normals, fragments, triangles, in_camera, relief)
    assert torch.equal(raised[~own[seen]], normals[~own[seen]])
    assert float((raised - normals)[own[seen]].abs().amax(-1).median()) > 0.01


@pytest.mark.parametrize("none", [0, 3])
def test_a_picture_may_see_no_triangle_with_relief(none: int) -> None:
    points, triangles, uv = bent_sheet()
    camera, rotation, translation = portrait_camera(20, 1.0, distance=4.0, target=(float(none), 0.0, 0.0))
    relief = Relief(torch.ones(4, 4), uv, torch.full_like(triangles, -1))
    pose = (camera, rotation, translation)
    raised = render_clay(points, triangles, *pose, relief=relief)
    assert torch.equal(raised.image, render_clay(points, triangles, *pose).image)
