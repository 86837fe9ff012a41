"""How far anny's heads are from the ICT heads whose identity they are to stand for.

    python -m tests.benchmarks.shared_identity [--heads 50]

Random ICT identities, mapped by :mod:`models.data.shared_identity`. *Shape* is the median NoW-style distance
in millimetres of the true face to the mapped head, *posed* the mean distance of the 478 landmarks as the
labels' pose puts them, in millimetres too, and *spread* the RMS of the mapped coefficients.
"""

from __future__ import annotations

import argparse

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from models.data.shared_identity import SharedIdentity, learn_shared_identity, load_shared_identity
from tests.benchmarks.support.ict_truth import ict_model, median_error

_SEED = 1000


def line(shared: SharedIdentity, anny: FaceModel, own: Float[ndarray, "heads modes"]) -> str:
    """The three figures of the mapped heads."""
    ict, shape, posed = ict_model(), [], []
    for code in own:
        true = ict.neutral(code)
        mapped = anny.neutral(shared.identity(code).astype(np.float32))
        shape.append(median_error(true, anny, mapped))
        apart = anny.landmarks(mapped) - shared.points(ict.landmarks(true), code)
        posed.append(1e3 * float(np.linalg.norm(apart, axis=1).mean()))
    spread = float(np.sqrt(np.square(shared.identity(own)).mean()))
    return f"{np.mean(shape):10.3f}{np.mean(posed):10.2f}{spread:10.2f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--heads", type=int, default=50)
    options = parser.parse_args()
    anny, ict = load_model("anny"), ict_model()
    own = np.random.default_rng(_SEED).standard_normal((options.heads, len(ict.identity_basis)))
    own = own.astype(np.float32)
    mean = [median_error(ict.neutral(code), anny, anny.template) for code in own]
    print(f"{options.heads} heads; {'shape':>19s}{'posed':>10s}{'spread':>10s}")
    print(f"{'anny mean head':20s}{np.mean(mean):10.3f}", flush=True)
    for modes in (80, 120):
        print(f"{f'{modes} modes':20s}{line(learn_shared_identity(anny, ict, modes), anny, own)}", flush=True)
    print(f"{'as stored':20s}{line(load_shared_identity(), anny, own)}")


if __name__ == "__main__":
    main()
