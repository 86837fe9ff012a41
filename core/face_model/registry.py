"""Which face models are installed, how to install one, and loading them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from core.cache import cache_folder, write_atomically
from core.errors import BadInput, DependencyMissing, ModelMissing, ModelUnreadable, OutputFailed
from core.face_model.cache import is_cached, read_cached, write_cached
from core.face_model.checks import check_model
from core.face_model.embedding_data import has_landmarks
from core.face_model.files import checksum
from core.face_model.model import FaceModel
from core.face_model.pca_head import PcaHead, map_expressions
from core.face_model.providers import DEFAULT_MODEL, PROVIDERS, Provider
from core.numbers import Number
from core.progress import Progress
from core.registered import Registered

_State = Literal["ready", "on first use", "missing"]


@dataclass(frozen=True)
class ModelInfo(Registered):
    """What the user may know about a face model.

    Attributes:
        state: ``ready`` (converted and cached), ``on first use`` (nothing to fetch, or what was cached is
            damaged or outdated and the files that it was made from are still there) or ``missing``.
        added_from: the folder or file it was converted from, once added.
        sha256: checksum of that source's contents.
        known_release: whether that checksum is one that the converter was tested on; none where no release
            is known.
    """

    added_from: str = ""
    added_at: str = ""

    def further_facts(self) -> dict[str, str]:
        """See :class:`~core.registered.Registered`."""
        return {"added from": self.added_from, "added at": self.added_at}


@dataclass(frozen=True)
class _Record:
    """What is kept beside a converted model that came from the user's files."""

    added_from: str
    added_at: str
    sha256: str


def _provider(name: str) -> Provider:
    if name not in PROVIDERS:
        raise BadInput(f"There is no face model {name!r}.", f"Choose one of: {', '.join(PROVIDERS)}.")
    return PROVIDERS[name]


def _cache_file(provider: Provider) -> Path:
    return cache_folder() / "models" / f"{provider.name}.npz"


def _record_file(provider: Provider) -> Path:
    return cache_folder() / "models" / f"{provider.name}.json"


def _key(provider: Provider, source_version: str) -> str:
    return f"{provider.name}/{provider.converter_version}/{source_version}"


def _read_record(provider: Provider) -> _Record | None:
    try:
        fields = json.loads(_record_file(provider).read_text(encoding="utf-8"))
        return _Record(str(fields["added_from"]), str(fields["added_at"]), str(fields["sha256"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _missing(provider: Provider, why: str) -> ModelMissing:
    return ModelMissing(
        why,
        f"Fetch {provider.source} (licence: {provider.licence}), then run: "
        f"semblance models add {provider.name} PATH",
    )


def _with_landmarks(model: FaceModel, source: str) -> FaceModel:
    if has_landmarks(model):
        return model
    # Imported late: it brings the landmark networks, which models with a shipped embedding do without.
    from core.face_model.detector import render_detector
    from core.face_model.embedding import embed_landmarks

    try:
        with render_detector() as detect:
            triangles, barycentrics = embed_landmarks(model, detect)
    except ValueError as error:
        raise ModelUnreadable(
            f"The head in {source} cannot be given landmarks: {error}.",
            "Check that it is an unchanged release.",
        ) from error
    return replace(model, landmark_triangles=triangles, landmark_barycentrics=barycentrics)


def _convert(provider: Provider, path: Path | None, key: str, progress: Progress | None) -> FaceModel:
    """Convert, embed landmarks and map expressions where the files have none, check and cache."""
    source = str(path or provider.package)
    converted = provider.convert(path, progress or Progress(provider.stages))
    if isinstance(converted, PcaHead):
        head = replace(converted, model=_with_landmarks(converted.model, source))
        model = map_expressions(head, load_model(DEFAULT_MODEL))
    else:
        model = _with_landmarks(converted, source)
    check_model(model, source)
    file = _cache_file(provider)
    write_cached(file, model, key)
    # What is handed out is what later loads will hand out, to the last bit.
    stored = read_cached(file, key)
    if stored is None:
        raise OutputFailed(f"{file} changed while it was written.", "Run the command again.")
    return stored


def load_model(name: str = DEFAULT_MODEL, progress: Progress | None = None) -> FaceModel:
    """A face model, from the cache if it is there.

    A model that needs no files is built on first use (about a minute for ``anny``). A damaged or outdated
    cache file is made anew, from the files the model was added from if they are still there unchanged.

    Args:
        name: one of ``PROVIDERS``.
        progress: told the provider's ``stages`` if the model must be built.

    Raises:
        BadInput: there is no such model.
        ModelMissing: it has not been added; the message says what to fetch and the command to run.
        OutputFailed: the cache cannot be written.
    """
    provider = _provider(name)
    if not provider.needs_files:
        key = _key(provider, provider.package_version())
        return read_cached(_cache_file(provider), key) or _convert(provider, None, key, progress)
    record = _read_record(provider)
    if record is None:
        raise _missing(provider, f"The face model {name} is not installed.")
    key = _key(provider, record.sha256)
    cached = read_cached(_cache_file(provider), key)
    if cached is not None:
        return cached
    path = Path(record.added_from)
    if not path.exists() or _source_checksum(provider, path) != record.sha256:
        raise _missing(
            provider,
            f"The stored face model {name} is damaged or outdated, and {path}, which it was made from, "
            "is gone or has changed.",
        )
    return _convert(provider, path, key, progress)


def _source_checksum(provider: Provider, path: Path) -> str:
    return checksum(path, provider.is_member)


def add_model(name: str, path: Path, progress: Progress | None = None) -> ModelInfo:
    """Convert the user's folder or file once and keep the result; replaces what was added before.

    Raises:
        BadInput: there is no such model, or it needs no files.
        ModelMissing: ``path`` does not exist.
        ModelUnreadable: it is not this model, is damaged, or asks to run code.
        OutputFailed: the cache cannot be written.
    """
    provider = _provider(name)
    if not provider.needs_files:
        raise BadInput(f"The face model {name} needs no files.", "It is built on first use.")
    path = Path(path).expanduser().absolute()
    digest = _source_checksum(provider, path)
    _convert(provider, path, _key(provider, digest), progress)
    record = _Record(str(path), datetime.now(UTC).isoformat(timespec="seconds"), digest)
    file = _record_file(provider)
    try:
        write_atomically(file, lambda stream: stream.write(json.dumps(asdict(record), indent=1).encode()))
    except OSError as error:
        raise OutputFailed(
            f"{file} cannot be written ({error.strerror or error}).",
            "Free space there, or set SEMBLANCE_CACHE to a folder that can be written.",
        ) from error
    return model_info(name)


def model_info(name: str) -> ModelInfo:
    """What is known about a face model, without loading it.

    Raises:
        BadInput: there is no such model.
    """
    provider = _provider(name)
    file = _cache_file(provider)
    info = ModelInfo(name, provider.licence, provider.source, "missing", str(file))
    if not provider.needs_files:
        try:
            ready = is_cached(file, _key(provider, provider.package_version()))
        except DependencyMissing:
            return info
        return replace(info, state="ready" if ready else "on first use")
    record = _read_record(provider)
    if record is None:
        return info
    known = record.sha256 in provider.known_checksums if provider.known_checksums else None
    if is_cached(file, _key(provider, record.sha256)):
        state: _State = "ready"
    else:
        state = "on first use" if Path(record.added_from).exists() else "missing"
    return replace(info, state=state, known_release=known, **asdict(record))


def list_models() -> list[ModelInfo]:
    """``model_info`` of every face model, the default first."""
    return [model_info(name) for name in PROVIDERS]


class FaceModels:
    """All face models; see :class:`core.registered.Registry`."""

    @property
    def names(self) -> Sequence[str]:
        """The default first."""
        return tuple(PROVIDERS)

    def info(self, name: str) -> ModelInfo:
        """As :func:`model_info`."""
        return model_info(name)

    def stages(self, name: str) -> Mapping[str, Number]:
        """Those of its provider."""
        return _provider(name).stages

    def add(self, name: str, path: Path, progress: Progress) -> ModelInfo:
        """As :func:`add_model`."""
        return add_model(name, path, progress)
