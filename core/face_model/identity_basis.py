"""A whitened linear basis learned from sampled heads."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from core.geometry.alignment import align_similarity


def whitened_basis(
    samples: Float[ndarray, "samples vertices 3"], weight: Float[ndarray, "vertices"], modes: int
) -> tuple[Float32[ndarray, "vertices 3"], Float32[ndarray, "modes vertices 3"], float]:
    """Mean and principal modes of heads, position, rotation and scale taken out.

    Photos cannot tell the size of a head from its distance, so scale is no mode of identity.

    Args:
        samples: heads in correspondence, metres.
        weight: how much each vertex counts in the alignment and in the variance to be kept.
        modes: number of modes wanted.

    Returns:
        the mean head, the offsets of one standard deviation per mode, and the fraction of the weighted
        variance that the modes keep.
    """
    mean = samples.mean(axis=0, dtype=np.float64)
    for _ in range(3):
        scale, rotation, translation = align_similarity(samples, mean, weight)
        aligned = scale[:, None, None] * np.einsum("svd,sed->sve", samples, rotation, optimize=True)
        aligned += translation[:, None]
        mean = aligned.mean(axis=0, dtype=np.float64)
    centred = (aligned - mean).astype(np.float32)
    weighted = (centred * np.sqrt(weight)[:, None]).reshape(len(samples), -1)
    # the Gram matrix of samples is smaller than the covariance of coordinates
    values, vectors = np.linalg.eigh((weighted @ weighted.T).astype(np.float64))
    top = np.argsort(values)[::-1][:modes]
    coefficients = vectors[:, top] * np.sqrt(len(samples))  # unit variance for each mode
    basis = np.tensordot(coefficients.T / len(samples), centred, axes=1)
    return mean.astype(np.float32), basis.astype(np.float32), float(values[top].sum() / values.sum())
