"""The landmark prior among the models that Semblance uses: it comes with it, and nothing is added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Final

from core.errors import BadInput, ModelMissing, ModelUnreadable
from core.face_model.files import checksum
from core.numbers import Number
from core.progress import Progress
from core.registered import Registered
from models.prior.prior import SHIPPED, LandmarkPrior

NAME: Final = SHIPPED.stem


@dataclass(frozen=True)
class PriorInfo(Registered):
    """What is known of the landmark prior.

    Attributes:
        state: ``shipped``, ``missing``, or ``damaged``, which ``problem`` explains.
    """

    problem: str = ""

    place: ClassVar[str] = "file"

    def further_facts(self) -> dict[str, str]:
        """See :class:`~core.registered.Registered`."""
        return {"problem": self.problem}


class LandmarkPriors:
    """The one landmark prior; see :class:`core.registered.Registry`."""

    names: Sequence[str] = (NAME,)

    def info(self, name: str = NAME) -> PriorInfo:
        """What is known of it; it is loaded once to see whether it can be."""
        info = PriorInfo(name, "Apache-2.0", "", "missing", str(SHIPPED))
        try:
            LandmarkPrior()
        except ModelMissing:
            return info
        except ModelUnreadable as error:
            return replace(info, state="damaged", problem=error.message)
        return replace(info, state="shipped", sha256=checksum(SHIPPED), known_release=True)

    def stages(self, name: str) -> Mapping[str, Number]:
        """None."""
        return {}

    def add(self, name: str, path: Path, progress: Progress) -> Registered:
        """
        Raises:
            BadInput: always.
        """
        raise BadInput(
            f"The model {name} comes with Semblance and needs no files.",
            "Train one of your own with: python -m models.prior.train.",
        )
