"""Tests, and benchmarks. Triton reads how to run kernels when it is first imported, which PyTorch may do."""

from __future__ import annotations

import os

import torch

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")
