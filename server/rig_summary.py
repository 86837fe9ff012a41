"""What the server keeps of a rig beside its file."""

from __future__ import annotations

import re
from pathlib import Path

from core.errors import RigUnreadable
from server.store.records import RigSummary


def read_summary(path: Path) -> RigSummary:
    """The id, name, face model and photos' warnings in a rig's file; the mesh is not looked at.

    Raises:
        RigUnreadable: it is no rig, damaged, or of a newer schema.
    """
    from core.rig import load_rig_document

    document = load_rig_document(path)
    try:
        rig_id = document["rig_id"]
        if not isinstance(rig_id, str) or not re.fullmatch(r"[A-Za-z0-9-]{8,64}", rig_id):
            raise ValueError("rig_id is not an id")
        photos = [
            {"file": _text(photo["file"]), "warnings": [_text(warning) for warning in photo["warnings"][:50]]}
            for photo in document["photos"][:100]
        ]
        model = document["model"]
        return RigSummary(
            id=rig_id,
            name=_text(document["name"]),
            model=_text(model["name"]),
            model_licence=_text(model["licence"]),
            created=_text(document["created"]),
            photos=tuple(photos),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RigUnreadable(
            f"The rig does not hold together ({error}).", "Make it again with `semblance rig`."
        ) from error


def _text(value: object) -> str:
    """At most a thousand characters.

    Raises:
        ValueError: it is no text, or none that can be written as UTF-8.
    """
    if not isinstance(value, str):
        raise ValueError(f"{type(value).__name__} instead of text")
    value[:1000].encode()
    return value[:1000]
