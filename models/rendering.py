"""From what networks say of faces to pictures of them, with gradients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from core.face_model.model import FaceModel
from core.scene.camera import transform
from core.scene.interpolation import interpolate, recompute_barycentrics
from core.scene.lighting import harmonics
from core.scene.rasterise import rasterise_batch
from core.scene.shading import linear_to_srgb, vertex_normals
from models.face_code import FaceCode


@dataclass(frozen=True)
class Rendered:
    """Rendered faces.

    Attributes:
        vertices: head space, metres.
        landmarks: MediaPipe's 478 on the surface: pixels of the crop, z in the same pixels from the head's
            origin, smaller is nearer.
        image: sRGB over black. Not cut off at 1, where gradients would end.
        covered: 1 where a pixel sees the head, else 0; carries no gradient.
        skin: 1 where it sees the head's skin, else 0: neither eyes nor mouth (M in CPEM eq. 6).
    """

    vertices: Float[Tensor, "batch vertices 3"]
    landmarks: Float[Tensor, "batch 478 3"]
    image: Float[Tensor, "batch 3 side side"]
    covered: Float[Tensor, "batch side side"]
    skin: Float[Tensor, "batch side side"]

    def over(self, photos: Float[Tensor, "batch 3 side side"]) -> Float[Tensor, "batch 3 side side"]:
        """The rendered heads in the photos, in [0, 1], for networks that look at whole pictures."""
        return torch.where(self.covered[:, None] > 0, self.image.clamp(0, 1), photos)


class FaceRenderer(nn.Module):
    """Draws face codes with one face model (CPEM eq. 1, JR2Net eq. 1).

    Light is worked out at the vertices. Lashes, which are cards with alpha, are left out. Gradients reach
    all of a code and the camera inside silhouettes; a silhouette's own motion has none.

    Args:
        model: the face model.
        albedo_mean: linear RGB of every vertex.
        albedo_basis: offsets for one standard deviation of each coefficient.
        side: of the pictures, pixels.
    """

    template: Tensor
    identity_basis: Tensor
    expression_deltas: Tensor
    albedo_mean: Tensor
    albedo_basis: Tensor
    triangles: Tensor
    skin_triangles: Tensor
    landmark_corners: Tensor
    landmark_weights: Tensor

    def __init__(
        self,
        model: FaceModel,
        albedo_mean: Float[Tensor, "vertices 3"],
        albedo_basis: Float[Tensor, "albedo vertices 3"],
        side: int = 224,
    ) -> None:
        super().__init__()
        self.side = side
        triangles = torch.from_numpy(model.opaque_triangles).long()
        of_skin = torch.from_numpy(model.region_mask("skin"))[triangles].all(dim=1)
        corners = model.triangles[model.landmark_triangles].astype(np.int64)
        buffers = {
            "template": torch.from_numpy(model.template),
            "identity_basis": torch.from_numpy(model.identity_basis),
            "expression_deltas": torch.from_numpy(model.expression_deltas),
            "albedo_mean": albedo_mean,
            "albedo_basis": albedo_basis,
            "triangles": triangles,
            "skin_triangles": of_skin,
            "landmark_corners": torch.from_numpy(corners),
            "landmark_weights": torch.from_numpy(model.landmark_barycentrics),
        }
        for name, value in buffers.items():
            self.register_buffer(name, value, persistent=False)  # they come with the model, not with weights

    def vertices(
        self, identity: Float[Tensor, "batch identity"], expression: Float[Tensor, "batch 52"]
    ) -> Float[Tensor, "batch vertices 3"]:
        """Heads in head space, metres; identity may have fewer coefficients than the model.

        Raises:
            ValueError: it has more.
        """
        count = identity.shape[1]
        if count > len(self.identity_basis):
            raise ValueError(f"{count} identity coefficients, but the model has {len(self.identity_basis)}")
        shape = torch.einsum("bk,kvd->bvd", identity, self.identity_basis[:count])
        return self.template + shape + torch.einsum("be,evd->bvd", expression, self.expression_deltas)

    def surface_landmarks(self, vertices: Float[Tensor, "batch vertices 3"]) -> Float[Tensor, "batch 478 3"]:
        """MediaPipe's landmarks on heads, in the heads' space."""
        corners = vertices[:, self.landmark_corners]
        return (corners * self.landmark_weights[..., None]).sum(dim=2)

    def forward(self, code: FaceCode, camera: Float[Tensor, "batch 4"], picture: bool = True) -> Rendered:
        """Draw faces.

        Args:
            camera: fx, fy, cx, cy of each picture, in pixels of the renderer's pictures.
            picture: false gives vertices and landmarks alone, in a fraction of the time; the picture is then
                empty.
        """
        with torch.autocast(camera.device.type, enabled=False):
            vertices = self.vertices(code.identity, code.expression)
            points = transform(self.surface_landmarks(vertices), code.rotation, code.translation)
            landmarks = _project(points, code.translation, camera)
            if not picture:
                nothing = camera.new_zeros(1).expand(len(camera), self.side, self.side)
                colours = nothing[:, None].expand(-1, 3, -1, -1)
                return Rendered(vertices, landmarks, colours, nothing, nothing)
            in_camera = transform(vertices, code.rotation, code.translation)
            normals = vertex_normals(in_camera, self.triangles)
            albedo = self.albedo_mean + torch.einsum("ba,avc->bvc", code.albedo, self.albedo_basis)
            colour = albedo.clamp_min(0) * (harmonics(normals) @ code.sh).clamp_min(0)

            fragments = rasterise_batch(in_camera, self.triangles, camera, self.side, self.side)
            barycentrics = recompute_barycentrics(fragments, in_camera, self.triangles, camera)
            linear = interpolate(fragments, self.triangles, colour, barycentrics)
            triangle = fragments.triangle.clamp_min(0).long()
            skin = self.skin_triangles[triangle] & fragments.covered
            image = linear_to_srgb(linear).permute(0, 3, 1, 2)
            covered = fragments.covered.to(image.dtype)
            return Rendered(vertices, landmarks, image, covered, skin.to(image.dtype))


def _project(points: Tensor, translation: Tensor, camera: Tensor) -> Tensor:
    pixels = points[..., :2] / points[..., 2:] * camera[:, None, :2] + camera[:, None, 2:]
    origin = translation[:, None, 2:]
    depth = (points[..., 2:] - origin) * camera[:, None, :1] / origin
    return torch.cat([pixels, depth], dim=-1)
