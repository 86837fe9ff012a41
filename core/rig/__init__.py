"""The rig document: a personalised head that travels, and its file."""

from core.rig.archive import load_rig, load_rig_document, save_rig
from core.rig.displacement import Displacement
from core.rig.document import Rig, RigCamera, RigMaterial, RigPhoto

__all__ = [
    "Displacement",
    "Rig",
    "RigCamera",
    "RigMaterial",
    "RigPhoto",
    "load_rig",
    "load_rig_document",
    "save_rig",
]
