"""What must be known to build the two networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from models.reenactment.batch import CODE_LENGTH


@dataclass(frozen=True)
class GuidedSettings:
    """Sizes and choices of ``GuidedNet``.

    Attributes:
        code: length of the driving code.
        embedding: of the code, before it modulates features.
        completion: channels of the completion network at 1/4, 1/8, ... of the picture's side.
        completion_blocks: residual blocks at its coarsest scale.
        encoder: channels of the reenactment network, from its finest scale to its coarsest, each half the
            side of the one before.
        finest: 1 where the finest scale is the picture's own, 2 where it is half of it. At half, the
            decoder's last scale also sees the warped source and the render, and the picture goes out with its
            2×2 pixels as channels: convolutions at the picture's own size are most of what a CPU would spend.
        convolutions: in each residual block of encoder and decoder.
        bottleneck: blocks at the coarsest scale.
        spade_hidden: channels of what the render becomes before it modulates (128 in SPADE's paper).
        spade_kernel: of the convolutions from there to γ and β.
        sees_guidance: whether the completion network is shown the computed guidance beside the source. In
            the paper it is not, and so cannot know where the computed flow is wrong.
        residual_flow: F_p is the computed flow + what the network says, so that it corrects a good flow
            rather than repeats it.
        blend: the picture is m · generated + (1 − m) · the warped source, with a mask m that starts low, and
            what is generated is a change of the render. Training then starts where warping alone ends, and
            what warping does well keeps the photo's own sharpness.
        flow_guidance, occlusion_guidance, synthesis_guidance: false leaves the computed flow, the computed
            occlusion or the render out (rows of the paper's table 3).
    """

    code: int = CODE_LENGTH
    embedding: int = 256
    completion: tuple[int, ...] = (128, 256, 256, 256)
    completion_blocks: int = 3
    encoder: tuple[int, ...] = (64, 128, 256, 256)
    finest: int = 1
    convolutions: int = 2
    bottleneck: int = 3
    spade_hidden: int = 128
    spade_kernel: int = 3
    sees_guidance: bool = False
    residual_flow: bool = False
    blend: bool = False
    flow_guidance: bool = True
    occlusion_guidance: bool = True
    synthesis_guidance: bool = True

    def facts(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def read_settings(facts: Mapping[str, Any]) -> GuidedSettings:
    """The settings of :meth:`GuidedSettings.facts`.

    Raises:
        TypeError: a fact is unknown.
        ValueError: a number is out of range.
    """
    known = dict(facts)
    for name in ("completion", "encoder"):
        if name in known:
            known[name] = tuple(int(value) for value in known[name])
    settings = GuidedSettings(**known)
    sizes = (*settings.completion, *settings.encoder, settings.embedding, settings.spade_hidden)
    if not all(0 < size <= 4096 for size in sizes) or settings.finest not in (1, 2):
        raise ValueError("sizes out of range")
    if len(settings.completion) < 2 or len(settings.encoder) < 2:
        raise ValueError("too few scales")
    return settings


GUIDED: Final = GuidedSettings()
"""The paper's networks, in sizes of its family (PIRenderer's), which it does not state; for a GPU."""

SMALL: Final = GuidedSettings(
    embedding=64, completion=(24, 40, 64), completion_blocks=2, encoder=(16, 32, 64, 96), finest=2,
    convolutions=1, bottleneck=2, spade_hidden=16, spade_kernel=1, sees_guidance=True, residual_flow=True,
    blend=True,
)  # fmt: skip
"""For two CPU cores: about 1 billion multiplications at 256²."""

SETTINGS: Final = {"guided": GUIDED, "guided_small": SMALL}
"""By the names of their recipes."""
