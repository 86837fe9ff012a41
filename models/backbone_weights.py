"""Published weights into a backbone."""

from __future__ import annotations

import pickle
import struct
import zipfile
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from core.errors import ModelMissing, ModelUnreadable
from models.backbones import Backbone

_MOST_BYTES: Final = 1 << 30
_HINT: Final = "Give weights that torchvision published for this backbone, as .pth or .safetensors."


def load_backbone_weights(backbone: Backbone, path: Path) -> None:
    """Load a state dict: every name and shape must fit, but for the classifier's.

    The classifier's weights are loaded where the backbone has one of that shape, and left out otherwise.
    Nothing is loaded where anything is wrong.

    Args:
        path: ``.safetensors``, or a file of ``torch.save`` (no code in it is run).

    Raises:
        ModelMissing: there is no such file.
        ModelUnreadable: it is damaged, asks to run code, or belongs to another network.
    """
    found = read_state_dict(path)
    own = backbone.state_dict()
    classifier = f"{backbone.classifier_name}."
    counters = ".num_batches_tracked"  # older files lack them, and nothing but averaging rates reads them
    missing = [name for name in own if name not in found and not name.endswith(counters)]
    strange = [name for name in found if name not in own and not name.startswith(classifier)]
    wrong = [name for name in own.keys() & found.keys() if own[name].shape != found[name].shape]
    odd = [name for name in (*missing, *strange, *wrong) if not name.startswith(classifier)]
    if odd:
        raise ModelUnreadable(f"{path} is of another network than this backbone: {sorted(odd)[0]}.", _HINT)
    if any(not value.isfinite().all() for value in found.values() if value.is_floating_point()):
        raise ModelUnreadable(f"{path} holds numbers that are not finite.", "Fetch it again.")
    fitting = {name: value for name, value in found.items() if name in own and name not in wrong}
    backbone.load_state_dict({**own, **fitting})


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Tensors by name.

    Raises:
        ModelMissing: there is no such file.
        ModelUnreadable: it is damaged, too large, holds anything but named tensors, or asks to run code.
    """
    path = path.expanduser()
    if not path.is_file():
        raise ModelMissing(f"{path} does not exist or is a folder.", _HINT)
    if path.stat().st_size > _MOST_BYTES:
        raise ModelUnreadable(f"{path} is too large for a backbone's weights.", _HINT)
    try:
        if path.suffix == ".safetensors":
            return load(path.read_bytes())
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except (
        SafetensorError, pickle.UnpicklingError, zipfile.BadZipFile, struct.error, RuntimeError, EOFError,
        OSError, ValueError, KeyError, IndexError, AttributeError, TypeError,
    ) as error:  # fmt: skip
        raise ModelUnreadable(f"{path} holds no weights that can be read safely.", _HINT) from error
    if not isinstance(stored, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in stored.items()
    ):
        raise ModelUnreadable(f"{path} holds something else than named tensors.", _HINT)
    return dict(stored)
