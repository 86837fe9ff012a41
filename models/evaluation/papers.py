"""What the papers print, to stand beside what is measured here.

Each row is a method, its figures in the order of the table's columns, and the table it is from. A figure that
a paper does not give is NaN. They were measured by the papers' authors with their own code.
"""

from __future__ import annotations

from typing import Final

from models.evaluation.tables import Cell

Rows = tuple[tuple[Cell, ...], ...]
_NONE: Final = float("nan")

_CPEM: Final = "CPEM (Mo et al., 2022), table {}"
_JR2NET: Final = "JR2Net (Shang et al., 2023), table {}"
_DECA: Final = "DECA (Feng et al., 2021), table 1"
_INORIG: Final = "INORig (Bai et al., 2021), table 3"

FEAFA: Final[Rows] = tuple(
    (*row, _CPEM.format(1))
    for row in (
        ("MS-SFN", 0.204, 0.585, 0.358, 0.430, 0.396, 0.381, 0.687, 0.909, 0.509, 0.502, 0.496),
        ("RingNet", 0.276, 0.214, 0.303, 0.234, 0.592, 0.260, 0.441, 0.767, 0.423, 0.390, 0.390),
        ("Personalized", 0.148, 0.552, 0.269, 0.159, 0.596, 0.265, 0.445, 0.805, 0.413, 0.323, 0.397),
        ("CPEM", 0.127, 0.341, 0.108, 0.104, 0.445, 0.241, 0.201, 0.379, 0.227, 0.271, 0.244),
    )
)
"""Mean absolute error of the ten groups and their mean."""

AFLW2000: Final[Rows] = tuple(
    (*row, _CPEM.format(2))
    for row in (
        ("3DDFA", 3.10, 4.17, 5.49, 4.25),
        ("PRNet", 2.76, 3.56, 4.67, 3.66),
        ("Deng et al.", 3.36, 5.12, 7.88, 5.45),
        ("MS-SFN", 3.43, 4.20, 6.27, 4.63),
        ("3DDFA-v2", 2.89, 3.57, 4.49, 3.65),
        ("CPEM", 2.68, 3.48, 4.75, 3.64),
    )
)
"""Normalised mean error in per cent by yaw, and the mean of the three groups."""

MICC: Final[Rows] = tuple(
    (*row, _CPEM.format(3))
    for row in (
        ("RingNet", "2.09±0.48", "2.13±0.46", "2.10±0.47"),
        ("Deng et al.", "2.98±1.00", "2.22±0.55", "2.06±0.48"),
        ("MS-SFN", "2.37±0.59", "2.52±0.66", "2.99±0.90"),
        ("3DDFA-v2", "1.94±0.52", "2.10±0.50", "1.98±0.49"),
        ("CPEM", "2.08±0.59", "2.09±0.54", "2.02±0.54"),
    )
)
"""Point-to-plane RMSE in millimetres, by how the video was filmed."""

FACEWAREHOUSE: Final[Rows] = (
    *(
        (*row, _NONE, _JR2NET.format(4))
        for row in (
            ("3DDFA", 2.24, 0.44, 2.22, 2.60),
            ("PRNet", 2.48, 0.44, 2.46, 2.85),
            ("MGCNet", 1.97, 0.39, 1.96, 2.27),
            ("DECA", 1.90, 0.36, 1.86, 2.18),
            ("RecNet", 1.90, 0.40, 1.85, 2.24),
            ("RecAugNet", 1.78, 0.35, 1.74, 2.08),
        )
    ),
    *(
        (name, _NONE, _NONE, _NONE, _NONE, figure, _CPEM.format(3) + " (9 people)")
        for name, figure in (
            ("RingNet", "2.47±0.32"),
            ("Deng et al.", "2.15±0.32"),
            ("MS-SFN", "2.20±0.45"),
            ("3DDFA-v2", "2.26±0.43"),
            ("CPEM", "2.03±0.33"),
        )
    ),
)
"""RMSE to the plane with its deviation, median and 80th percentile, and RMSE to the point, millimetres."""

FRGC: Final[Rows] = tuple(
    (*row, _JR2NET.format(3))
    for row in (
        ("3DDFA", 2.32, 0.75),
        ("PRNet", 2.35, 0.67),
        ("MGCNet", 1.94, 0.67),
        ("DECA", 1.93, 0.59),
        ("MICA", 2.12, 0.61),
        ("JR2Net", 1.85, 0.56),
    )
)
"""Mean absolute error and its deviation, millimetres."""

NOW: Final[Rows] = (
    *(
        (*row, _DECA)
        for row in (
            ("3DMM-CNN", 1.84, 2.33, 2.05),
            ("PRNet", 1.50, 1.98, 1.88),
            ("Deng et al. 19", 1.23, 1.54, 1.29),
            ("RingNet", 1.21, 1.54, 1.31),
            ("3DDFA-V2", 1.23, 1.57, 1.39),
            ("MGCNet", 1.31, 1.87, 2.63),
            ("DECA", 1.09, 1.38, 1.18),
        )
    ),
    ("DECA, validation set", 1.18, 1.46, 1.25, "DECA (Feng et al., 2021), section 6.2"),
    *(
        (name, _NONE, mean, _NONE, _INORIG)
        for name, mean in (("Tuan17", 2.31), ("Feng18", 1.97), ("Sanyal19", 1.52), ("INORig", 1.33))
    ),
)
"""Median, mean and standard deviation of all distances, millimetres. INORig's deviations are of pictures'
means, not of distances, and are left out."""
