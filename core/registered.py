"""What every registry of models says and does: face models, networks, the recogniser, the landmark prior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

from core.numbers import Number
from core.progress import Progress


@dataclass(frozen=True)
class Registered:
    """What is known of a model.

    Attributes:
        licence: as an SPDX name.
        source: where its files are fetched; empty where there is nothing to fetch.
        state: in one word or three whether it can be used.
        cache_file: the file that is used, or where it would be kept.
        sha256: of the files it is made from; empty where there are none.
        known_release: whether those are of a release that Semblance was tested on; none where it is unknown.
    """

    name: str
    licence: str
    source: str
    state: str
    cache_file: str
    sha256: str = ""
    known_release: bool | None = None

    place: ClassVar[str] = "cache"

    def facts(self) -> dict[str, str]:
        """What a person is told, by label; empty texts are left out."""
        known = {True: "yes", False: "no", None: "not known"}[self.known_release]
        return {
            "model": self.name,
            "state": self.state,
            "licence": self.licence,
            "source": self.source or "nothing to fetch",
            self.place: self.cache_file,
            **self.further_facts(),
            "sha256": self.sha256,
            "tested release": known if self.sha256 else "",
        }

    def further_facts(self) -> dict[str, str]:
        """Those of its sort alone."""
        return {}

    @property
    def text(self) -> str:
        """Its card, Markdown; empty where it has none."""
        return ""

    @property
    def warning(self) -> str:
        """What a person who added it should know; mostly nothing."""
        if self.known_release is False:
            return "These files are of a release that Semblance was not tested on."
        return ""


@runtime_checkable
class Registry(Protocol):
    """Models of one sort."""

    @property
    def names(self) -> Sequence[str]:
        """Of all of them, those that are not installed too; the usual one first."""

    def info(self, name: str) -> Registered:
        """What is known of one of ``names``."""

    def stages(self, name: str) -> Mapping[str, Number]:
        """Stages of adding it and rough seconds, for ``core.progress.Progress``."""

    def add(self, name: str, path: Path, progress: Progress) -> Registered:
        """Check the user's files and keep what is used of them; replaces what was added before.

        Raises:
            BadInput: it needs no files.
            ModelMissing: ``path`` does not exist.
            ModelUnreadable: it is no such model, or damaged.
            OutputFailed: the cache cannot be written.
        """
