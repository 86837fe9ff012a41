"""What lenses a rig's photos were taken with, in a line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from core.lens import LensSource
from core.rig.document import RigPhoto

_SOURCES: Final[dict[LensSource, str]] = {
    "given": "as given",
    "exif": "from EXIF",
    "assumed": "assumed from how people take photos",
}


def lenses_in_words(photos: Sequence[RigPhoto]) -> str:
    """All lenses on one line, photos of the same source together; empty where nothing is known of them."""
    groups: dict[LensSource, list[RigPhoto]] = {}
    for photo in photos:
        if photo.lens is not None:
            groups.setdefault(photo.lens.source, []).append(photo)
    said = []
    for source, own in groups.items():
        lengths = [round(photo.equivalent_mm) for photo in own]
        low, high = min(lengths), max(lengths)
        long = f"{low} mm" if low == high else f"{low} to {high} mm"
        about = "about " if source == "assumed" else ""
        which = f" ({', '.join(photo.file for photo in own)})" if len(groups) > 1 else ""
        said.append(f"{about}{long}, {_SOURCES[source]}{which}")
    return f"lens, as 35 mm equivalent: {'; '.join(said)}" if said else ""


def lens_facts(photos: Sequence[RigPhoto]) -> list[dict[str, Any]]:
    """The same for machines: of each photo its file, millimetres, source, and whose lens it shares."""
    return [
        {
            "file": photo.file,
            "equivalent_mm": round(photo.equivalent_mm, 2),
            "source": photo.lens.source,
            "shared_with": photo.lens.shared_with,
        }
        for photo in photos
        if photo.lens is not None
    ]
