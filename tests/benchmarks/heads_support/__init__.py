"""Sets of photos with and without truth, and what a head is judged by on them.

for case in cases(["heads_b", "scan"], half="decide"):
    head = fit_head(face_model(), case.observations(), belief=case.belief())
    print(case.set, case.name, score(case, head))
"""

from tests.benchmarks.heads_support.case import Case, Half, Head, Neutral, face_model, score, unfitted
from tests.benchmarks.heads_support.sets import SETS, cases
from tests.benchmarks.heads_support.shape_error import ShapeError

__all__ = [
    "SETS",
    "Case",
    "Half",
    "Head",
    "Neutral",
    "ShapeError",
    "cases",
    "face_model",
    "score",
    "unfitted",
]
