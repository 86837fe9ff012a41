"""Relief of the skin finer than the mesh: wrinkles that come with expressions, and what photos show."""

from core.surface.relief.build import NEUTRAL, build_relief, trust_in_relief
from core.surface.relief.from_shading import PhotoRelief, photo_relief
from core.surface.relief.normal_map import normal_map

__all__ = ["NEUTRAL", "PhotoRelief", "build_relief", "normal_map", "photo_relief", "trust_in_relief"]
