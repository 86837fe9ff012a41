# SPDX-License-Identifier: GPL-3.0-or-later
"""What buttons do; one file a subject."""

from ..retarget import operator as retarget
from . import (
    build,
    clip_people,
    export,
    expressions,
    import_rig,
    live,
    mapping,
    people,
    photo_fit,
    photos,
    preview,
    server,
    track,
    transfer,
)

CLASSES = (
    *people.CLASSES,
    *photos.CLASSES,
    *build.CLASSES,
    *import_rig.CLASSES,
    *expressions.CLASSES,
    *photo_fit.CLASSES,
    *export.CLASSES,
    *track.CLASSES,
    *clip_people.CLASSES,
    *mapping.CLASSES,
    *live.CLASSES,
    *preview.CLASSES,
    *transfer.CLASSES,
    *retarget.CLASSES,
    *server.CLASSES,
)
