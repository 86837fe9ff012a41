"""What the numbers of MediaPipe's 478 landmarks mean.

Only the groups that Semblance needs, as index lists in MediaPipe's published face-mesh topology. Left and
right are the person's own.
"""

from __future__ import annotations

from typing import Final

FACE_OVAL: Final = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip

BROW_RIGHT: Final = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)
BROW_LEFT: Final = (300, 293, 334, 296, 336, 285, 295, 282, 283, 276)

# Outer corner, along the upper lid, inner corner, back along the lower lid.
EYE_RIGHT: Final = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
EYE_LEFT: Final = (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249)

# Centre, then four points on the rim of the iris.
IRIS_RIGHT: Final = (468, 469, 470, 471, 472)
IRIS_LEFT: Final = (473, 474, 475, 476, 477)

# (upper, lower) pairs across the opening, for DECA's closure terms (eq. 6).
EYELID_PAIRS_RIGHT: Final = ((160, 144), (159, 145), (158, 153), (161, 163), (157, 154))
EYELID_PAIRS_LEFT: Final = ((387, 373), (386, 374), (385, 380), (388, 390), (384, 381))
LIP_PAIRS: Final = ((81, 178), (13, 14), (311, 402), (82, 87), (312, 317), (80, 88), (310, 318))

LIPS_OUTER: Final = (
    61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146,
)  # fmt: skip
LIPS_INNER: Final = (
    78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95,
)  # fmt: skip
