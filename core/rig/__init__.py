"""The rig document: a personalised head that travels, and its file."""

from core.rig.archive import load_rig, load_rig_document, save_rig
from core.rig.displacement import Displacement
from core.rig.document import Camera, Material, Photo, Rig

__all__ = ["Camera", "Displacement", "Material", "Photo", "Rig", "load_rig", "load_rig_document", "save_rig"]
