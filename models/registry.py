"""Which trained networks are there, loading them, and adding one's own in place of a shipped one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Final

import numpy as np

from core.cache import cache_folder, write_atomically
from core.errors import BadInput, ModelMissing, ModelUnreadable, OutputFailed
from core.numbers import Number
from core.progress import Progress
from core.registered import Registered
from models.network import Network
from models.network_card import Kind, NetworkCard
from models.network_kinds import NETWORK_KINDS

SHIPPED: Final = Path(__file__).parent / "weights"
NETWORKS: Final[dict[str, Kind]] = {
    kind.name: kind.outputs for kind in NETWORK_KINDS.values() if kind.installed
}
"""Names and what each puts out: the whole face in a picture, or its 52 coefficients alone."""

_MOST_BYTES: Final = 400_000_000
_AGAIN: Final = "Install Semblance again."


@dataclass(frozen=True)
class NetworkInfo(Registered):
    """What is known of a network.

    Attributes:
        state: ``shipped``, ``added`` (the user's own, which goes before a shipped one), ``missing``, or
            ``damaged``, which ``problem`` explains.
        cache_file: the file in use, or where the user's own would be kept.
        known_release: whether it is the shipped one.
        trained: the day.
    """

    trained: str = ""
    backbone: str = ""
    side: int = 0
    face_model: str = ""
    card: str = ""
    problem: str = ""

    place: ClassVar[str] = "file"

    def further_facts(self) -> dict[str, str]:
        """See :class:`~core.registered.Registered`."""
        return {
            "backbone": self.backbone,
            "trained": self.trained,
            "for heads of": self.face_model,
            "problem": self.problem,
        }

    @property
    def text(self) -> str:
        """See :class:`~core.registered.Registered`."""
        return self.card

    @property
    def warning(self) -> str:
        """A network of one's own is no release, and that is as it should be."""
        return ""


def available(name: str) -> bool:
    """Whether there is a file of the network; it may still be damaged.

    Raises:
        BadInput: there is no network of that name.
    """
    return _own_file(name).is_file() or _shipped_file(name).is_file()


def load_network(name: str, threads: int = 1, providers: Sequence[str] | None = None) -> Network:
    """The user's own network, else the shipped one.

    Args:
        name: one of ``NETWORKS``.
        threads, providers: as of :class:`~models.network.Network`.

    Raises:
        BadInput: there is no network of that name.
        ModelMissing: there is no file of it.
        ModelUnreadable: the file is damaged, of another kind, or of another release.
    """
    own, shipped = _own_file(name), _shipped_file(name)
    if own.is_file():
        try:
            return _checked(_content(own), own, name, threads, providers)
        except ModelUnreadable as error:
            hint = f"Add it again (semblance models add {name} FILE), or delete {own} to use the shipped one."
            raise ModelUnreadable(error.message, hint) from error
    if not shipped.is_file():
        raise ModelMissing(
            f"The network {name} is not installed.",
            f"If you have one that Semblance exported, run: semblance models add {name} FILE",
        )
    content = _content(shipped)
    if hashlib.sha256(content).hexdigest() != _shipped_checksum(name):
        raise ModelUnreadable(f"{shipped} is not the network that its checksum was made for.", _AGAIN)
    return _checked(content, shipped, name, threads, providers)


def load_network_file(path: Path, threads: int = 1, providers: Sequence[str] | None = None) -> Network:
    """A network from a file of one's own, registered or not.

    Raises:
        ModelMissing: there is no such file.
        ModelUnreadable: it is too large, damaged, or of another release.
    """
    path = path.expanduser()
    if not path.is_file():
        raise ModelMissing(
            f"{path} does not exist or is a folder.", "Give an .onnx file that Semblance exported."
        )
    return Network(_content(path), path, threads, providers)


def add_network(name: str, path: Path) -> NetworkInfo:
    """Check the user's file and keep a copy in the cache; replaces what was added before.

    Raises:
        BadInput: there is no network of that name.
        ModelMissing: there is no such file.
        ModelUnreadable: it is no network of this kind, or does not run.
        OutputFailed: the cache cannot be written.
    """
    file, path = _own_file(name), path.expanduser()
    if not path.is_file():
        raise ModelMissing(
            f"{path} does not exist or is a folder.", "Give an .onnx file that Semblance exported."
        )
    content = _content(path)
    _try(_checked(content, path, name), path)
    try:
        write_atomically(file, lambda stream: stream.write(content))
    except OSError as error:
        raise OutputFailed(
            f"{file} cannot be written ({error.strerror or error}).",
            "Free space there, or set SEMBLANCE_CACHE to a folder that can be written.",
        ) from error
    return network_info(name)


def network_info(name: str) -> NetworkInfo:
    """What is known of a network.

    Raises:
        BadInput: there is no network of that name.
    """
    own, shipped = _own_file(name), _shipped_file(name)
    file = own if own.is_file() or not shipped.is_file() else shipped
    info = NetworkInfo(name, "Apache-2.0", "", "missing", str(file))
    if not file.is_file():
        return replace(info, source="a file that Semblance exported")
    try:
        card = load_network(name).card
    except ModelUnreadable as error:
        return replace(info, state="damaged", problem=error.message)
    digest = hashlib.sha256(_content(file)).hexdigest()
    return replace(
        info, licence=card.licence, state="added" if file == own else "shipped", sha256=digest,
        known_release=digest == _shipped_checksum(name) if shipped.is_file() else None,
        trained=card.trained, backbone=card.backbone, side=card.side, face_model=card.face_model,
        card=card.text,
    )  # fmt: skip


def list_networks() -> list[NetworkInfo]:
    """``network_info`` of every network."""
    return [network_info(name) for name in NETWORKS]


class Networks:
    """All of them; see :class:`core.registered.Registry`."""

    names: Sequence[str] = tuple(NETWORKS)

    def info(self, name: str) -> NetworkInfo:
        """As :func:`network_info`."""
        return network_info(name)

    def stages(self, name: str) -> Mapping[str, Number]:
        """None: it takes a moment."""
        return {}

    def add(self, name: str, path: Path, progress: Progress) -> NetworkInfo:
        """As :func:`add_network`."""
        return add_network(name, path)


def _own_file(name: str) -> Path:
    if name not in NETWORKS:
        raise BadInput(f"There is no network {name!r}.", f"Choose one of: {', '.join(NETWORKS)}.")
    return cache_folder() / "models" / f"{name}.onnx"


def _shipped_file(name: str) -> Path:
    return SHIPPED / f"{name}.onnx"


def _shipped_checksum(name: str) -> str:
    """SHA-256 of the shipped ONNX file as the file of checksums has it; empty where that says nothing."""
    try:
        lines = (SHIPPED / f"{name}.sha256").read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError):
        return ""
    return next((line[:64] for line in lines if line.endswith(f"  {name}.onnx")), "")


def _content(file: Path) -> bytes:
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise ModelUnreadable(f"{file} is too large for a network of faces.", "Give another file.")
        return file.read_bytes()
    except OSError as error:
        raise ModelUnreadable(
            f"{file} cannot be read ({error.strerror or error}).", "Check its permissions."
        ) from error


def _checked(
    content: bytes, file: Path, name: str, threads: int = 1, providers: Sequence[str] | None = None
) -> Network:
    """The network, where it is of the kind that goes by this name."""
    network = Network(content, file, threads, providers)
    if network.card.kind != NETWORKS[name]:
        raise ModelUnreadable(
            f"{file} puts out {network.card.kind}; {name} is of the kind {NETWORKS[name]}.", _AGAIN
        )
    return network


def _try(network: Network, file: Path) -> None:
    """Run it once.

    Raises:
        ModelUnreadable: it does not run, or puts out something else than its card says.
    """
    card: NetworkCard = network.card
    side = card.side
    try:
        outputs = network(
            np.full((2, side, side, 3), 128, np.uint8),
            np.tile(np.array([4.5 * side, 4.5 * side, side / 2, side / 2], np.float32), (2, 1)),
        )
    except Exception as error:  # onnxruntime's errors have no common base of their own
        raise ModelUnreadable(f"{file} does not run: {error}.", "Export the network again.") from error
    sizes = {"expression": (2, 52), "identity": (2, card.identity_modes), "rotation": (2, 3, 3)}
    for output, values in outputs.items():
        if values.shape != sizes.get(output, values.shape) or not np.isfinite(values).all():
            raise ModelUnreadable(f"{file} puts out no {output} that can be used.", "Export it again.")
