"""Every visible point of the face in every photo → a sharper identity, pose and expression.

INORig's appearance and photometric terms (eq. 7-11) on points of the surface: each point has one albedo that
all photos share, so its colour must agree between views once each photo's light is divided out; that is the
appearance consistency of eq. 8 with the light made explicit, and with one photo it is eq. 10 alone. Light is
refitted by eq. 11 as the geometry moves; visibility comes from the z-buffer. Landmarks, closure and the
priors of the landmark fit stay on, and a smooth free-form correction of the neutral takes what the basis
cannot say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32
from numpy import ndarray
from torch import Tensor

from core.fitting.face_belief import FaceBelief
from core.fitting.face_surface import FaceSurface
from core.fitting.landmark_terms import (
    CLOSURE_PAIRS,
    EXCLUSIVE_UNITS,
    TONGUE,
    facing_weight,
    geman_mcclure,
    landmark_weights,
)
from core.fitting.lens import photos_of_one_camera, ties, told_lens
from core.fitting.types import Observation, PhotoFit
from core.landmark_topology import FACE_OVAL
from core.scene.camera import Camera, rotation_matrix
from core.scene.lighting import fit_lighting, harmonics
from core.scene.rasterise import rasterise
from core.scene.shading import srgb_to_linear

_PAIRS = torch.from_numpy(CLOSURE_PAIRS)
_EXCLUSIVE = torch.from_numpy(EXCLUSIVE_UNITS)
_CONTOUR = 0.3  # weight of the face oval's landmarks
_OUTLIER = 2.5  # standard deviations at which a landmark's robust weight has fallen to a quarter


@dataclass(frozen=True)
class DenseWeights:
    """Weights of the dense fit.

    Attributes:
        photometric: of the mean colour residual of a photo, against the landmarks' sum.
        photometric_alone: the same for a single photo, which cannot tell albedo from shape.
        colour_noise: standard deviation of a linear colour.
        landmark_noise, closure_noise: standard deviations, fractions of the eye distance.
        contour: of the silhouette term.
        identity, sparsity, exclusive, believed, believed_identity: as in the landmark fit.
        albedo_prior: how firmly a point's albedo is held to the person's skin tone, in photos.
        correction: of the free-form correction's size and roughness.
        correction_size: metres that count as one.
        correction_held: how far a belief about the identity holds the correction back, see
            ``FaceBelief.firmness``.
        lens: standard deviation of the log focal length's change, where it is not told.
    """

    photometric: float = 450.0
    photometric_alone: float = 50.0
    colour_noise: float = 0.04
    landmark_noise: float = 0.08
    closure_noise: float = 0.02
    contour: float = 1.0
    identity: float = 3.0
    sparsity: float = 10.0
    exclusive: float = 30.0
    believed: float = 1.0
    believed_identity: float = 1.0
    albedo_prior: float = 0.15
    correction: float = 0.05
    correction_size: float = 0.003
    correction_held: float = 3.0
    lens: float = 0.15


@dataclass
class DenseFit:
    """Result: identity, the smooth correction beyond the basis on all vertices, and the photos."""

    identity: Float[ndarray, "identity"]
    correction: Float32[ndarray, "vertices 3"]
    photos: list[PhotoFit]


def fit_dense(
    surface: FaceSurface,
    observations: Sequence[Observation],
    identity: Float[ndarray, "identity"],
    photos: Sequence[PhotoFit],
    weights: DenseWeights | None = None,
    *,
    belief: FaceBelief | None = None,
    iterations: int = 120,
    progress: Callable[[float], None] = lambda fraction: None,
) -> DenseFit:
    """Refine a landmark fit.

    Args:
        identity, photos: of the landmark fit.
        belief: what networks say of the person and the photos.
        iterations: of Adam; a third for each of three resolutions.
        progress: told the fraction done now and then.
    """
    solver = _DenseSolver(
        surface, observations, identity, photos, weights or DenseWeights(), belief or FaceBelief()
    )
    return solver.run(iterations, progress)


@dataclass
class _Posed:
    """The face as the present parameters put it before each camera."""

    correction: Tensor  # model vertices, 3
    rotation: Tensor  # photos, 3, 3
    vertices: Tensor  # photos, face vertices, 3: camera axes
    vertex_normals: Tensor
    points: Tensor  # photos, samples, 3
    normals: Tensor
    grid: Tensor  # photos, samples, 2: place in the crop for grid_sample, -1..1


class _DenseSolver:
    def __init__(
        self,
        surface: FaceSurface,
        observations: Sequence[Observation],
        identity: ndarray,
        photos: Sequence[PhotoFit],
        weights: DenseWeights,
        belief: FaceBelief,
    ) -> None:
        self.surface, self.weights, self.count = surface, weights, len(observations)
        f32 = torch.float32
        self.identity = torch.tensor(identity, dtype=f32, requires_grad=True)
        self.expression = torch.tensor(
            np.stack([p.expression for p in photos]), dtype=f32, requires_grad=True
        )
        self.start_rotation = torch.tensor(np.stack([p.rotation for p in photos]), dtype=f32)
        self.turn = torch.zeros(self.count, 3, requires_grad=True)
        self.translation = torch.tensor(
            np.stack([p.translation for p in photos]), dtype=f32, requires_grad=True
        )
        focal = [float(np.log(float(photo.camera.fx))) for photo in photos]
        self.log_focal = torch.tensor(focal, dtype=f32, requires_grad=True)
        priors = [told_lens(o) or (start, weights.lens) for o, start in zip(observations, focal, strict=True)]
        self.lens_mean, self.lens_std = torch.tensor(priors, dtype=f32).unbind(1)
        self.cameras = [
            (torch.tensor(shared), torch.tensor(ties(observations, shared)))
            for shared in photos_of_one_camera(observations)
        ]
        self.rough = torch.zeros(surface.model.vertex_count, 3, requires_grad=True)

        self.centre = torch.tensor([[o.width / 2, o.height / 2] for o in observations], dtype=f32)
        self.crop = torch.tensor([[o.crop_left, o.crop_top, o.crop_scale] for o in observations], dtype=f32)
        self.side = observations[0].image.shape[0]
        self.unit = torch.tensor([o.eye_distance for o in observations], dtype=f32)[:, None, None]
        self.landmarks = torch.tensor(np.stack([o.landmarks[:, :2] for o in observations]), dtype=f32)
        self.seen = [o.landmarks for o in observations]
        pictures = srgb_to_linear(torch.tensor(np.stack([o.image for o in observations]), dtype=f32))
        skin = torch.tensor(np.stack([o.skin for o in observations]), dtype=f32)[..., None]
        layers = torch.cat([pictures, skin], dim=-1).permute(0, 3, 1, 2)
        self.levels = [F.avg_pool2d(layers, 4), F.avg_pool2d(layers, 2), layers]
        self.landmark_trust = torch.from_numpy(landmark_weights(_CONTOUR)).float()
        self.identity_mean, self.identity_precision = (
            torch.from_numpy(part).float()
            for part in belief.identity_prior(len(identity), weights.believed_identity)
        )
        self.correction_weight = weights.correction * (1 + weights.correction_held * belief.firmness)
        believed = belief.photos(self.count)
        self.prior_mean, self.prior_precision, self.sparsity, self.turn_precision = (
            torch.tensor(np.stack([getattr(each, part) for each in believed]), dtype=f32)
            for part in ("expression", "expression_precision", "sparsity", "rotation_precision")
        )
        self.tongue = self.prior_mean[:, TONGUE].clamp(0, 1)
        apart = [
            each.turn(photo.rotation) if each.knows_rotation else np.zeros(3)
            for each, photo in zip(believed, photos, strict=True)
        ]
        self.turned = torch.tensor(np.stack(apart), dtype=f32)
        self.albedo = self.tone = torch.zeros(0)  # known from the first refresh on

    def run(self, iterations: int, progress: Callable[[float], None]) -> DenseFit:
        optimiser = torch.optim.Adam(
            [
                {"params": [self.identity], "lr": 0.03},
                {"params": [self.expression], "lr": 0.01},
                {"params": [self.turn], "lr": 0.002},
                {"params": [self.translation], "lr": 0.0006},
                {"params": [self.log_focal], "lr": 0.003},
                {"params": [self.rough], "lr": 0.0002},
            ],
            betas=(0.9, 0.95),
        )
        for step in range(iterations):
            level = self.levels[3 * step // iterations]
            posed = self._pose()
            if step % 15 == 0:
                progress(step / iterations)
                with torch.no_grad():
                    self._refresh(posed, level)
            optimiser.zero_grad()
            self._energy(posed, level).backward()
            optimiser.step()
            with torch.no_grad():
                self.expression.clamp_(0, 1)
                self.expression[:, TONGUE] = self.tongue
        with torch.no_grad():
            posed = self._pose()
            self._refresh(posed, self.levels[-1])
            return self._report(posed)

    # -- geometry ----------------------------------------------------------------------------------------

    def _pose(self) -> _Posed:
        surface = self.surface
        correction = surface.smooth(self.rough)
        neutral = surface.mean + torch.einsum("k,kvd->vd", self.identity, surface.basis)
        neutral = neutral + correction[torch.from_numpy(surface.vertices)]
        head = neutral + torch.einsum("nk,kvd->nvd", self.expression, surface.expressions)
        rotation = rotation_matrix(self.turn) @ self.start_rotation
        vertices = head @ rotation.transpose(1, 2) + self.translation[:, None]
        vertex_normals = surface.normals(vertices)
        points = surface.at_samples(vertices)
        pixels = self._project(points)
        grid = (pixels - self.crop[:, None, :2]) * self.crop[:, None, 2:] / self.side * 2 - 1
        normals = F.normalize(surface.at_samples(vertex_normals), dim=-1)
        return _Posed(correction, rotation, vertices, vertex_normals, points, normals, grid)

    def _project(self, points: Float[Tensor, "photos points 3"]) -> Float[Tensor, "photos points 2"]:
        focal = self.log_focal.exp()[:, None, None]
        return points[..., :2] / points[..., 2:] * focal + self.centre[:, None]

    def _sample(self, posed: _Posed, level: Tensor) -> tuple[Tensor, Tensor]:
        """Linear colours (photos, samples, 3) and skin masks (photos, samples) at the samples."""
        read = F.grid_sample(level, posed.grid[:, :, None], align_corners=False, padding_mode="border")
        read = read[..., 0].transpose(1, 2)
        return read[..., :3], read[..., 3]

    # -- what is held fixed for a few steps --------------------------------------------------------------

    def _refresh(self, posed: _Posed, level: Tensor) -> None:
        """Visibility, light, albedo, and which points make the silhouette."""
        colours, skin = self._sample(posed, level)
        towards = -(posed.normals * F.normalize(posed.points, dim=-1)).sum(-1)
        facing = ((towards - 0.15) / 0.4).clamp(0, 1)
        self.sample_trust = self._visible(posed) * facing * skin
        turned = (self.surface.landmark_normals @ posed.rotation.transpose(1, 2))[..., 2]
        facing = facing_weight(-turned)
        self.seen_trust = self.landmark_trust * facing
        self.pair_trust = facing[:, _PAIRS].amin(dim=-1)  # lids and lips that are turned away tell nothing
        self.contours = [self._contour(posed, turned, photo) for photo in range(self.count)]

        self._refresh_light(posed, colours)

    def _refresh_light(self, posed: _Posed, colours: Tensor) -> None:
        """Light by eq. 11 and albedo in turns: a = (Σ t c s + h tone) / (Σ t s² + h), s the shade."""
        if not len(self.albedo):
            self.tone = _skin_tone(colours, self.sample_trust)
            self.albedo = self.tone.expand(posed.points.shape[1], 3).clone()
        for _ in range(2 if self.count == 1 else 4):
            self.sh = torch.stack(
                [
                    torch.from_numpy(
                        fit_lighting(
                            c.double().numpy(),
                            self.albedo.double().numpy(),
                            n.double().numpy(),
                            t.double().numpy(),
                        )
                    ).float()
                    for c, n, t in zip(colours, posed.normals, self.sample_trust, strict=True)
                ]
            )
            shade = (harmonics(posed.normals) @ self.sh).clamp_min(0.02)
            off = (colours - self.albedo * shade).norm(dim=-1, keepdim=True) / (3 * self.weights.colour_noise)
            trust = self.sample_trust[..., None] / (1 + off**2)
            held = self.weights.albedo_prior
            self.albedo = ((trust * colours * shade).sum(0) + held * self.tone) / (
                (trust * shade**2).sum(0) + held
            )
        if self.count == 1:
            # One photo: whatever is not of the skin's tone (hair, brows, shadows) would be read as shape.
            strange = (colours - self.tone * shade).norm(dim=-1) / (self.tone.norm() * shade.mean())
            self.sample_trust = self.sample_trust / (1 + (strange / 0.25).square()).square()

    def _visible(self, posed: _Posed) -> Tensor:
        """(photos, samples): 1 where the z-buffer of the whole head leaves a sample in view."""
        model, side = self.surface.model, self.side
        triangles = torch.from_numpy(model.triangles.astype(np.int64))
        neutral = torch.from_numpy(model.neutral(self.identity.numpy())) + posed.correction
        deltas = torch.from_numpy(model.expression_deltas)
        visible = []
        for photo in range(self.count):
            head = neutral + torch.einsum("k,kvd->vd", self.expression[photo], deltas)
            left, top, scale = self.crop[photo].tolist()
            focal = float(self.log_focal[photo].exp()) * scale
            cx, cy = ((self.centre[photo] - torch.tensor([left, top])) * scale).tolist()
            in_camera = head @ posed.rotation[photo].T + self.translation[photo]
            depth = rasterise(in_camera, triangles, Camera(focal, focal, cx, cy, side, side)).depth
            place = ((posed.grid[photo] + 1) / 2 * side).floor().long()
            inside = ((place >= 0) & (place < side)).all(dim=1)
            column, row = place.clamp(0, side - 1).unbind(1)
            near = (posed.points[photo, :, 2] - depth[row, column]).abs() < 0.004
            visible.append((near & inside).float())
        return torch.stack(visible)

    def _contour(self, posed: _Posed, turned: Tensor, photo: int) -> tuple[Tensor, Tensor, Tensor] | None:
        """Far-side oval landmarks, the silhouette vertices nearest to them, and those' 2D normals.

        INORig's sliding contour landmarks: on the far side the detector follows the silhouette, so the
        landmark is compared with the silhouette, along its normal only.
        """
        oval = torch.tensor(FACE_OVAL)
        far = oval[turned[photo, oval] > -0.35]
        normals, vertices = posed.vertex_normals[photo], posed.vertices[photo]
        edge = ((normals * F.normalize(vertices, dim=-1)).sum(-1).abs() < 0.2).nonzero()[:, 0]
        if not len(far) or len(edge) < 6:
            return None
        pixels = self._project(posed.vertices)[photo, edge]
        distance, nearest = torch.cdist(self.landmarks[photo, far], pixels).min(dim=1)
        near = distance < 0.15 * self.unit[photo, 0, 0]
        vertex = edge[nearest[near]]
        return far[near], vertex, F.normalize(normals[vertex, :2], dim=-1)

    # -- energy ------------------------------------------------------------------------------------------

    def _energy(self, posed: _Posed, level: Tensor) -> Tensor:
        w = self.weights
        photometric = self._photometric(posed, level)
        off = (self._project(self._landmark_points(posed)) - self.landmarks) / self.unit
        squared = (off / w.landmark_noise).square().sum(-1)
        landmarks = (self.seen_trust * geman_mcclure(squared, _OUTLIER)).sum()
        gap = (off[:, _PAIRS[:, 0]] - off[:, _PAIRS[:, 1]]) / w.closure_noise
        closure = (self.pair_trust * gap.square().sum(-1)).sum()  # DECA eq. 6
        prior = self._prior(posed)
        pull = w.photometric_alone if self.count == 1 else w.photometric * self.count
        return pull * photometric + landmarks + closure + w.contour * self._contour_energy(posed) + prior

    def _photometric(self, posed: _Posed, level: Tensor) -> Tensor:
        """Mean of |c - a Y(n) L| / σ over the samples (INORig eq. 7 and 10)."""
        colours, _ = self._sample(posed, level)
        shade = harmonics(posed.normals) @ self.sh
        residual = (colours - self.albedo * shade) / self.weights.colour_noise
        length = torch.sqrt(residual.square().sum(-1) + 0.01)  # INORig's L_{2,1}, smooth at 0
        return (self.sample_trust * length).sum() / self.sample_trust.sum().clamp_min(1.0)

    def _prior(self, posed: _Posed) -> Tensor:
        """What is known without the photos; Gaussians p (x - m)², and sparse expressions."""
        w, e = self.weights, self.expression
        apart = self.identity - self.identity_mean
        prior = w.identity * (apart @ self.identity_precision @ apart)
        prior = prior + w.sparsity * (self.sparsity * e.clamp_min(0)).sum() + e.square().sum()
        believed = (self.prior_precision * (e - self.prior_mean).square()).sum()
        # the turns are small, so that they add to the start's
        believed = believed + (self.turn_precision * (self.turn + self.turned).square()).sum()
        prior = prior + w.believed * believed
        prior = prior + w.exclusive * e[:, _EXCLUSIVE].min(dim=-1).values.square().sum()
        prior = prior + ((self.log_focal - self.lens_mean) / self.lens_std).square().sum()
        for photos, tie in self.cameras:  # ((log f_i - log f) / tie)², at the lens f that makes it least
            own, firm = self.log_focal[photos], tie**-2
            common = (firm * own).sum() / firm.sum()
            prior = prior + (firm * (own - common).square()).sum()
        size, bend = posed.correction, self.rough - posed.correction
        held = size.square().sum() + bend.square().sum()
        return prior + self.correction_weight * held / w.correction_size**2

    def _landmark_points(self, posed: _Posed) -> Tensor:
        surface = self.surface
        points = surface.landmark_mean + torch.einsum("k,kld->ld", self.identity, surface.landmark_basis)
        points = points + surface.at_landmarks(posed.correction)
        points = points + torch.einsum("nk,kld->nld", self.expression, surface.landmark_expressions)
        return points @ posed.rotation.transpose(1, 2) + self.translation[:, None]

    def _contour_energy(self, posed: _Posed) -> Tensor:
        total = torch.zeros(())
        for photo, contour in enumerate(self.contours):
            if contour is None:
                continue
            landmark, vertex, normal = contour
            point = posed.vertices[photo, vertex]
            pixel = point[:, :2] / point[:, 2:] * self.log_focal[photo].exp() + self.centre[photo]
            off = ((pixel - self.landmarks[photo, landmark]) * normal).sum(1) / self.unit[photo, 0, 0]
            squared = (off / 0.02).square()
            total = total + geman_mcclure(squared, _OUTLIER).sum()
        return total

    def _report(self, posed: _Posed) -> DenseFit:
        off = (self._project(self._landmark_points(posed)) - self.landmarks) / self.unit
        photos = []
        for photo in range(self.count):
            width, height = (2 * self.centre[photo]).tolist()
            focal = float(self.log_focal[photo].exp())
            photos.append(
                PhotoFit(
                    camera=Camera.centred(focal, round(width), round(height)),
                    rotation=posed.rotation[photo].double().numpy(),
                    translation=self.translation[photo].detach().double().numpy(),
                    expression=self.expression[photo].detach().double().numpy(),
                    sh=self.sh[photo].double().numpy(),
                    landmark_error=float(off[photo].norm(dim=-1).median()),
                )
            )
        return DenseFit(self.identity.detach().double().numpy(), posed.correction.numpy(), photos)


def _skin_tone(colours: Tensor, trust: Tensor) -> Tensor:
    """Median colour of what is well seen, averaged over the photos; grey where nothing is."""
    seen = [own[weight > 0.3] for own, weight in zip(colours, trust, strict=True)]
    medians = [own.median(dim=0).values for own in seen if len(own)]
    return torch.stack(medians).mean(dim=0) if medians else torch.full((3,), 0.4)
