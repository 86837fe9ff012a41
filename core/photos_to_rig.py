"""Photos of a person → their rig. The whole job, from top to bottom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np

from core.capture.headshot import HeadShot
from core.capture.same_person import FaceRecogniser
from core.errors import BadInput
from core.face_model.providers import DEFAULT_MODEL, PROVIDERS
from core.face_model.registry import load_model, model_info
from core.fitting.face_belief import FaceBelief, FaceReader, believed
from core.fitting.head import EXPECTED_SECONDS as FIT_SECONDS
from core.fitting.head import fit_head
from core.fitting.types import FittedHead, PhotoFit
from core.lens import GivenLens
from core.photo_sources import PhotoReading, PhotoSource, profiles_of, read_photos, with_profiles
from core.progress import Progress
from core.retarget.wrinkles import WRINKLES
from core.rig import Displacement, Rig, RigCamera, RigLens, RigMaterial, RigPhoto
from core.scene.camera import Camera
from core.scene.lighting import ambient_light
from core.surface.texture import build_texture
from core.surface.types import HeadTexture, Material, PhotoPixels

Quality = Literal["draft", "standard", "high"]

MOST_PHOTOS: Final = 20
TEXTURE_SIZES: Final[dict[Quality, int]] = {"draft": 1024, "standard": 2048, "high": 4096}
# Pixels of all head shots together, so that twenty large photos need no more memory than four.
_PIXEL_BUDGET: Final[dict[Quality, int]] = {"draft": 6_000_000, "standard": 16_000_000, "high": 32_000_000}
_MOST_SHOT_PIXELS: Final = 5_000_000
_PREVIEW_SIDE: Final = 720  # pixels, of the head shots kept in the rig


@dataclass(frozen=True)
class RigOptions:
    """What the user may choose.

    Attributes:
        name: of the person; the first photo's file name where empty.
        quality: how large the texture is and how much of the photos' detail goes into it.
        texture_size: texels along a side, instead of the quality's.
        strict: a photo that cannot be used is an error also when others can.
        lens: that took all photos, whatever their files tell.
    """

    name: str = ""
    quality: Quality = "standard"
    texture_size: int | None = None
    strict: bool = False
    lens: GivenLens | None = None

    @property
    def texels(self) -> int:
        return self.texture_size or TEXTURE_SIZES[self.quality]


def expected_seconds(model_name: str, photos: int, options: RigOptions) -> dict[str, float]:
    """The stages of :func:`build_rig`, for a ``Progress``.

    Raises:
        BadInput: there is no such face model.
    """
    baking = sum(PROVIDERS[model_name].stages.values()) if model_info(model_name).state != "ready" else 0.0
    fitting = {stage: seconds * (0.4 + 0.6 * photos) for stage, seconds in FIT_SECONDS.items()}
    texture = (options.texels / 2048) ** 2 * (3.0 + 1.2 * photos)
    return {"photos": 0.6 + 0.6 * photos, "model": 0.3 + baking, **fitting, "texture": texture}


def build_rig(
    paths: Sequence[Path],
    model_name: str = DEFAULT_MODEL,
    options: RigOptions | None = None,
    progress: Progress | None = None,
    recogniser: FaceRecogniser | None = None,
    reader: FaceReader | None = None,
) -> Rig:
    """Make a rig from 1 to 20 photos of one person.

    A photo that cannot be read or shows no face is left out with a warning if others remain, and so is a
    second copy of the same file. One from the side, where no landmarks are found, is used if the others tell
    where the head is in it.

    Args:
        progress: must know the stages of :func:`expected_seconds`.
        recogniser: tells whether all photos show one person; without it nothing does.
        reader: a network whose readings of the photos the fit starts from and keeps to; not used with
            another face model than the one it speaks of.

    Raises:
        BadInput: no photo or too many, no such model, or a texture size that cannot be made.
        UnreadableMedia, NoFaceFound: no photo can be used; with ``strict``, one cannot.
        ModelMissing: the face model must be added first.
        Cancelled: the user asked to stop.
    """
    options = options or RigOptions()
    _check(paths, options)
    progress = progress or Progress(expected_seconds(model_name, len(paths), options))

    if reader is not None and reader.model_name != model_name:
        reader = None
    most_pixels = min(_MOST_SHOT_PIXELS, _PIXEL_BUDGET[options.quality] // len(paths))
    how = PhotoReading(options.lens, options.strict, most_pixels, recogniser, reader)
    # Photos come first: who named a wrong file learns it before a face model is built.
    with progress.stage("photos"):
        read = read_photos(paths, how, progress.update)
    with progress.stage("model"):
        model = load_model(model_name, progress.inside(PROVIDERS[model_name].stages))
    observations = [source.observation for source in read.sources]
    head = fit_head(model, observations, progress, _belief(read.sources, reader), profiles_of(read, how))
    sources, warnings = with_profiles(read, head.profiles, how)
    with progress.stage("texture"):
        shown = replace(
            head, photos=[in_headshot(fit, s.shot) for fit, s in zip(head.photos, sources, strict=True)]
        )
        pixels = [shot_pixels(source.shot) for source in sources]
        texture = build_texture(shown, pixels, options.texels, progress, int(sources[0].sha256[:8], 16))
    return _assemble(head, texture, sources, warnings, options, progress)


def _check(paths: Sequence[Path], options: RigOptions) -> None:
    if not paths:
        raise BadInput("No photo was given.", "Name one or more photos of one person.")
    if len(paths) > MOST_PHOTOS:
        raise BadInput(
            f"{len(paths)} photos were given; at most {MOST_PHOTOS} are used.",
            "Choose sharp ones from different sides; five are usually enough.",
        )
    if not 256 <= options.texels <= 8192 or options.texels % 128:
        raise BadInput(
            f"A texture of {options.texels} texels a side cannot be made.",
            "Choose a multiple of 128 from 256 to 8192.",
        )


def _belief(sources: Sequence[PhotoSource], reader: FaceReader | None) -> FaceBelief | None:
    if reader is None:
        return None
    readings = [source.reading for source in sources]
    known = [reading for reading in readings if reading and reading.identity_std is not None]
    return believed(readings, reader.fuse(known) if known else None)


def in_headshot(fit: PhotoFit, shot: HeadShot) -> PhotoFit:
    """The fit with the camera that took the head shot alone."""
    fx, fy, cx, cy = fit.camera.intrinsics
    height, width = shot.pixels.shape[:2]
    s = shot.scale
    camera = Camera(fx * s, fy * s, (cx - shot.left) * s, (cy - shot.top) * s, width, height)
    return replace(fit, camera=camera)


def shot_pixels(shot: HeadShot) -> PhotoPixels:
    """What the texture is made from."""
    skin, person = (mask.astype(np.float32) / np.float32(255) for mask in (shot.skin, shot.person))
    return PhotoPixels(shot.pixels, skin, person, shot.landmarks)


def _assemble(
    head: FittedHead,
    texture: HeadTexture,
    sources: Sequence[PhotoSource],
    warnings: Sequence[str],
    options: RigOptions,
    progress: Progress,
) -> Rig:
    model = head.model
    previews = [_preview(source.shot) for source in sources]
    names = [f"photo-{index:02d}.png" for index in range(1, len(sources) + 1)]
    return Rig(
        name=options.name or sources[0].path.stem,
        model_name=model.name,
        model_licence=model.licence,
        neutral=head.neutral,
        polygon_vertices=model.polygon_vertices,
        polygon_starts=model.polygon_starts,
        uv=model.uv,
        shape_keys=head.expression_deltas,
        landmarks=model.landmarks(head.neutral).astype(np.float32),
        regions=model.region,
        joints=model.joints(head.neutral).astype(np.float32),
        skin_weights=model.skin_weights,
        polygon_material=texture.material_of_polygon,
        materials=tuple(_material(material, texture.normals is not None) for material in texture.materials),
        textures=_textures(texture),
        photos=tuple(_photo(fit, source, sources) for fit, source in zip(head.photos, sources, strict=True)),
        displacement=_displacement(texture),
        previews=dict(zip(names, previews, strict=True)),
        warnings=(*warnings, *texture.warnings),
        provenance={
            "quality": options.quality,
            "texture_size": options.texels,
            "seconds": {stage: round(seconds, 2) for stage, seconds in progress.seconds.items()},
            "photos": [
                _origin(name, preview, source)
                for name, preview, source in zip(names, previews, sources, strict=True)
            ],
        },
    )


def _textures(texture: HeadTexture) -> dict[str, np.ndarray]:
    normals = {} if texture.normals is None else {"normal.png": texture.normals}
    return {"albedo.png": texture.albedo, "lashes.png": _hairs(texture), **normals}


def _material(material: Material, uneven: bool) -> RigMaterial:
    image = "lashes.png" if material.alpha else "albedo.png"
    return RigMaterial(
        name=material.name,
        base_color=material.base_color,
        roughness=material.roughness,
        subsurface=material.subsurface,
        texture=image if material.textured else None,
        normal_map="normal.png" if uneven and material.name == "skin" else None,
    )


def _displacement(texture: HeadTexture) -> tuple[Displacement, ...]:
    """Maps that the rig's coefficients drive."""
    return tuple(
        Displacement.of(
            name, relief.heights, WRINKLES[name].weights if name in WRINKLES else None, relief.measured
        )
        for name, relief in texture.relief.items()
    )


def _hairs(texture: HeadTexture) -> np.ndarray:
    """The atlas with alpha, for lashes alone: viewers treat every material with alpha as see-through."""
    hairs = (texture.alpha > 0) & (texture.alpha < 255)
    colour = np.median(texture.albedo[hairs], axis=0) if hairs.any() else np.zeros(3)
    image = np.empty((*texture.alpha.shape, 4), np.uint8)
    image[..., :3] = colour
    image[..., 3] = texture.alpha
    return image


def _photo(fit: PhotoFit, source: PhotoSource, sources: Sequence[PhotoSource]) -> RigPhoto:
    """The fit of one photo, in pixels of the file."""
    name, other = source.path.name, fit.lens.shared_with
    ratio = source.original_size[0] / source.photo_size[0]
    fx, fy, cx, cy = (value * ratio for value in fit.camera.intrinsics)
    sh = ambient_light(np.ones(3)) if fit.sh is None else fit.sh
    return RigPhoto(
        file=name,
        width=source.original_size[0],
        height=source.original_size[1],
        camera=RigCamera(fx, fy, cx, cy),
        rotation=fit.rotation.astype(np.float32),
        translation=fit.translation.astype(np.float32),
        expression=fit.named_expression(),
        sh=sh.astype(np.float32),
        warnings=(*source.warnings, *(f"{name}: {said}" for said in fit.warnings)),
        lens=RigLens(fit.lens.source, None if other is None else sources[other].path.name),
    )


def _preview(shot: HeadShot) -> np.ndarray:
    """The head shot, small."""
    height, width = shot.pixels.shape[:2]
    scale = min(1.0, _PREVIEW_SIDE / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(shot.pixels, size, interpolation=cv2.INTER_AREA) if scale < 1 else shot.pixels


def _origin(name: str, preview: np.ndarray, source: PhotoSource) -> dict[str, object]:
    """Where a photo came from; a pixel ``p`` of the file is ``(p - (left, top)) * scale`` in its preview."""
    ratio = source.original_size[0] / source.photo_size[0]
    shrink = preview.shape[1] / source.shot.pixels.shape[1]
    return {
        "file": source.path.name,
        "sha256": source.sha256,
        "preview": name,
        "left": source.shot.left * ratio,
        "top": source.shot.top * ratio,
        "scale": source.shot.scale * shrink / ratio,
        "landmarks": np.round(source.shot.landmarks[:, :2] * shrink, 1).tolist(),
    }
