"""Pictures of dressed heads, a batch at once on one device; ``models.data.draw`` does the same for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from core.face_model.model import JOINTS, REGIONS, FaceModel
from core.scene.camera import transform
from core.scene.clay import openness
from core.scene.rasterise import rasterise_batch
from core.scene.shading import vertex_normals
from core.surface.atlas import triangle_regions
from models.crops import SIDE
from models.data.accessories import GLASSES, HAND, MICROPHONE
from models.data.lit import DULL, EYE, SKIN, WET
from models.data.stream.dice import Dice
from models.data.stream.hair import Sheets
from models.data.stream.noise import Noise
from models.data.stream.pixels import Shadow, at_pixels, lit, of_triangles
from models.data.stream.scene import Lights, View
from models.data.stream.things import ANCHORS, KINDS, Things

SUPERSAMPLE: Final = 2
_BEHIND: Final = 6e-4  # metres that lashes may lie behind the lid they touch
_DEEP: Final = 0.55  # of the light reaches the inside of the mouth
_SHARES: Final = {"clothes": 1.0, "glasses": GLASSES, "hand": HAND, "microphone": MICROPHONE}
_REACHES: Final = (2.8, 8.4)  # about 3 and 9 mm in pixels of a crop


@dataclass(frozen=True)
class Drawing:
    """Pictures before the camera, with two pixels a side for each of a crop's.

    Attributes:
        colour: linear light times cover.
        cover: of head, hair and things over the background, 0-1.
        skin: 1 where bare skin is seen.
    """

    colour: Float[Tensor, "batch height width 3"]
    cover: Float[Tensor, "batch height width"]
    skin: Float[Tensor, "batch height width"]


@dataclass(frozen=True)
class Mesh:
    """Vertices in camera axes, with all that is known of them."""

    vertices: Float[Tensor, "batch vertices 3"]
    triangles: Int[Tensor, "batch triangles 3"]
    colour: Float[Tensor, "batch vertices 3"]
    gloss: Float[Tensor, "batch triangles"]


class HeadPainter(nn.Module):
    """Draws heads of one model."""

    triangles: Tensor
    uv: Tensor
    kind: Tensor
    deep: Tensor
    lash_triangles: Tensor
    lash_uv: Tensor
    lash_alpha: Tensor
    joint_offset: Tensor
    joint_weights: Tensor
    marks: Tensor
    neck: Tensor
    skin_part: Tensor

    def __init__(self, model: FaceModel, lash_alpha: Float[np.ndarray, "side side"], things: Things) -> None:
        super().__init__()
        region = triangle_regions(model)
        lashes = region == REGIONS.index("lashes")
        kinds = {"skin": SKIN, "eye_left": EYE, "eye_right": EYE, "eye_socket": SKIN}
        neck = JOINTS.index("neck")
        buffers = {
            "triangles": model.triangles[~lashes].astype(np.int64),
            "uv": model.uv[model.triangle_corners[~lashes]],
            "kind": np.array([kinds.get(name, WET) for name in REGIONS])[region[~lashes]],
            "deep": np.isin(region[~lashes], [REGIONS.index("mouth_interior"), REGIONS.index("tongue")]),
            "lash_triangles": model.triangles[lashes].astype(np.int64),
            "lash_uv": model.uv[model.triangle_corners[lashes]],
            "lash_alpha": lash_alpha[None, None].astype(np.float32),
            "joint_offset": model.joint_offset[neck],
            "joint_weights": model.joint_regressor[neck],
            "marks": model.landmarks(model.template),
            "neck": model.joints(model.template)[neck],
        }
        for kind in KINDS:
            for name, value in vars(things[kind]).items():
                buffers[f"{kind}_{name}"] = value
        for name, value in buffers.items():
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(value)), persistent=False)
        self.noise = Noise()

    def dress(
        self,
        dice: Dice,
        neutral: Float[Tensor, "batch vertices 3"],
        landmarks: Float[Tensor, "batch 478 3"],
        view: View,
        people: Int[Tensor, "batch"],
    ) -> Mesh:
        """Clothes, and what some wear or hold, for heads with these landmarks (head space).

        Args:
            people: number of each picture's person in the batch: clothes and glasses are a person's.
        """
        batch, device = len(landmarks), landmarks.device
        parts: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
        for kind in KINDS:
            stock = getattr(self, f"{kind}_vertices")
            whose = people if kind in ("clothes", "glasses") else torch.arange(batch, device=device)
            choice, there = dice.below(len(stock), batch)[whose], dice.happens(_SHARES[kind], batch)[whose]
            tint = torch.exp(dice.normal(0.3, batch, 1, 3))[whose]
            vertices = stock[choice]
            if kind == "clothes":
                neck = self.joint_offset + torch.einsum("v,bvd->bd", self.joint_weights, neutral)
                hung = transform(neck[:, None], view.rotation, view.translation)
                vertices = (vertices - self.neck) @ view.body.transpose(1, 2) + hung
            else:
                middle, span = ANCHORS[kind]
                size = _span(landmarks, span) / _span(self.marks[None], span)
                vertices = (vertices - self.marks[list(middle)].mean(dim=0)) * size[:, None, None]
                vertices = vertices + landmarks[:, list(middle)].mean(dim=1, keepdim=True)
                vertices = transform(vertices, view.rotation, view.translation)
            triangles = getattr(self, f"{kind}_triangles")[choice].long() * there[:, None, None]
            colour = getattr(self, f"{kind}_colour")[choice] * tint
            parts.append((vertices, triangles, colour.clamp_max(0.9), getattr(self, f"{kind}_gloss")[choice]))
        starts = np.cumsum([0, *(part[0].shape[1] for part in parts)])
        return Mesh(
            torch.cat([part[0] for part in parts], dim=1),
            torch.cat([part[1] + int(start) for part, start in zip(parts, starts, strict=False)], dim=1),
            torch.cat([part[2] for part in parts], dim=1),
            torch.cat([part[3] for part in parts], dim=1),
        )

    def forward(
        self,
        head: Float[Tensor, "batch vertices 3"],
        worn: Mesh,
        sheets: Sheets,
        hair_colour: Float[Tensor, "batch 3"],
        texture: Float[Tensor, "batch 4 rows columns"],
        gloss: Float[Tensor, "batch"],
        view: View,
        lights: Lights,
    ) -> Drawing:
        """Draw.

        Args:
            head: camera axes.
            sheets: hair; its vertices in camera axes.
            texture: linear RGB, and how far each texel is bare skin.
            gloss: of the skin, 0-1.
        """
        batch, count = len(head), head.shape[1]
        fine = view.camera * SUPERSAMPLE
        side = SIDE * SUPERSAMPLE
        own = self.triangles.expand(batch, -1, -1)
        triangles = torch.cat([own, worn.triangles + count], dim=1)
        vertices = torch.cat([head, worn.vertices], dim=1)
        fragments = rasterise_batch(vertices, triangles, fine, side, side)
        normals = torch.cat(
            [vertex_normals(head, self.triangles), _own_normals(worn.vertices, worn.triangles)], dim=1
        )
        painted = torch.cat([torch.zeros_like(head), worn.colour], dim=1)
        found = at_pixels(fragments, triangles, torch.cat([normals, painted], dim=2))
        of_head = fragments.covered & (fragments.triangle < len(self.triangles))
        layers = _look_up(texture, _uv(fragments, self.uv, of_head))
        albedo = torch.where(of_head[..., None], layers[..., :3], found[..., 3:])
        kind = torch.where(of_head, self.kind[fragments.triangle.clamp(0, len(self.kind) - 1).long()], DULL)
        shine = torch.cat([torch.zeros_like(own[..., 0], dtype=worn.gloss.dtype), worn.gloss], dim=1)
        of_kind = gloss.new_tensor([0.25, 1.0, 0.5, 0.0])[kind]
        of_kind = torch.where(kind == SKIN, of_kind * gloss[:, None, None], of_kind)
        glossy = torch.where(of_head, of_kind, of_triangles(fragments, shine))

        shadow = self._shadow(vertices, triangles, sheets, lights)
        colour = lit(albedo, found[..., :3], fragments.depth, fine, lights, shadow, kind, glossy)
        coarse = openness(fragments.depth[:, ::2, ::2], _REACHES)[:, None]
        open_sky = F.interpolate(coarse, size=(side, side), mode="bilinear")[:, 0]
        deep = of_head & self.deep[fragments.triangle.clamp(0, len(self.deep) - 1).long()]
        colour = colour * (open_sky * torch.where(deep, _DEEP, 1.0))[..., None]
        cover = fragments.covered.to(colour.dtype)
        colour = colour * cover[..., None]
        skin = layers[..., 3] * of_head * (kind == SKIN)
        colour, skin = self._lash(head, colour, skin, fragments.depth, fine)
        return self._hair(
            sheets, hair_colour, Drawing(colour, cover, skin), fragments.depth, fine, lights, shadow
        )

    def _shadow(self, vertices: Tensor, triangles: Tensor, sheets: Sheets, lights: Lights) -> Shadow:
        solid = (sheets.inside[:, :, None] > 0).gather(
            1, sheets.triangles.reshape(len(vertices), -1, 1)
        ).reshape(sheets.triangles.shape).all(dim=2, keepdim=True)  # fmt: skip
        hair = torch.where(solid, sheets.triangles, 0) + vertices.shape[1]
        everything = torch.cat([vertices, sheets.vertices], dim=1)
        return Shadow.cast(everything, torch.cat([triangles, hair], dim=1), lights.towards[:, -1])

    def _lash(
        self, head: Tensor, colour: Tensor, skin: Tensor, depth: Tensor, fine: Tensor
    ) -> tuple[Tensor, Tensor]:
        side = depth.shape[1]
        fragments = rasterise_batch(head, self.lash_triangles, fine, side, side)
        shown = fragments.covered & (fragments.depth < depth + _BEHIND)
        alpha = _look_up(self.lash_alpha.expand(len(head), -1, -1, -1), _uv(fragments, self.lash_uv, shown))
        clear = 1 - 0.8 * alpha[..., 0] * shown
        return colour * clear[..., None], skin * clear

    def _hair(
        self,
        sheets: Sheets,
        hair_colour: Tensor,
        drawing: Drawing,
        depth: Tensor,
        fine: Tensor,
        lights: Lights,
        shadow: Shadow,
    ) -> Drawing:
        side = depth.shape[1]
        fragments = rasterise_batch(sheets.vertices, sheets.triangles, fine, side, side)
        shown = fragments.covered & (fragments.depth < depth)
        normals = _own_normals(sheets.vertices, sheets.triangles)
        values = torch.cat(
            [
                normals,
                sheets.inside[..., None],
                sheets.grain,
                sheets.ragged[..., None],
                sheets.gloss[..., None],
            ],
            dim=2,
        )
        found = at_pixels(fragments, sheets.triangles, values)
        grain, ragged = found[..., 4:7], found[..., 7]
        strands = self.noise(grain) + 0.6 * self.noise(grain * 2.3)
        inside = found[..., 3] + ragged * strands
        alpha = (inside / (0.2 * ragged).clamp_min(0.0012)).clamp(0, 1) * shown
        albedo = hair_colour[:, None, None] * (1 + 0.55 * strands[..., None]).clamp_min(0.15)
        kind = torch.full_like(fragments.triangle, DULL, dtype=torch.long)
        colour = lit(
            albedo, found[..., :3], fragments.depth, fine, lights, shadow, kind, 0.25 * found[..., 8]
        )
        part = alpha[..., None]
        return Drawing(
            drawing.colour * (1 - part) + part * colour,
            torch.maximum(drawing.cover, alpha),
            drawing.skin * (1 - alpha),
        )


def _span(landmarks: Tensor, pair: tuple[int, int]) -> Tensor:
    return (landmarks[:, pair[0]] - landmarks[:, pair[1]]).norm(dim=1)


def _own_normals(vertices: Tensor, triangles: Tensor) -> Tensor:
    """Normals of meshes that each have triangles of their own."""
    batch, count = vertices.shape[:2]
    start = count * torch.arange(batch, device=vertices.device)[:, None, None]
    joined = vertex_normals(vertices.reshape(-1, 3), (triangles + start).reshape(-1, 3))
    return joined.reshape(batch, count, 3)


def _uv(fragments, uv: Tensor, where: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
    """Places in the texture, (batch, height, width, 2)."""
    corners = uv[torch.where(where, fragments.triangle, 0).long()]
    return (fragments.barycentrics[..., None] * corners).sum(dim=-2)


def _look_up(image: Tensor, uv: Tensor) -> Tensor:
    """Texture values (batch, height, width, channels) of each picture's own texture."""
    grid = torch.stack([uv[..., 0] * 2 - 1, 1 - uv[..., 1] * 2], dim=-1)  # half precision would miss texels
    found = F.grid_sample(image.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)
    return found.permute(0, 2, 3, 1)
