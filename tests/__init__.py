"""Tests, and benchmarks. Triton reads how to run kernels when it is first imported, which PyTorch may do."""

from __future__ import annotations

import contextlib
import os

with contextlib.suppress(ImportError):  # Blender's Python has no PyTorch
    import torch

    if not torch.cuda.is_available():
        os.environ.setdefault("TRITON_INTERPRET", "1")
