"""Relief of the skin finer than the mesh: wrinkles that come with expressions, and what photos show."""

from core.surface.relief.build import NEUTRAL, build_relief
from core.surface.relief.from_shading import PhotoRelief, photo_relief

__all__ = ["NEUTRAL", "PhotoRelief", "build_relief", "photo_relief"]
