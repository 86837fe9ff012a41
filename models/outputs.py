"""Any network's outputs as a plain tuple, as training and exported files have them."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from models.et_net import RecAugNet
from models.face_code import ExpressionNet, FaceCodeNet

AnyNet = FaceCodeNet | ExpressionNet | RecAugNet


class Outputs(nn.Module):
    """A network whose outputs are a plain tuple, in the order of ``models.network_card.OUTPUTS``.

    The standard deviations follow (``STDS``), of networks that say them.
    """

    def __init__(self, net: AnyNet) -> None:
        super().__init__()
        self.net = net

    def forward(
        self, images: Float[Tensor, "batch 3 side side"], camera: Float[Tensor, "batch 4"] | None = None
    ) -> tuple[Tensor, ...]:
        """See the network's own."""
        if isinstance(self.net, ExpressionNet):
            expression, std = self.net.read(images)
            return (expression,) if std is None else (expression, std)
        code = self.net(images, camera)
        mean = (code.identity, code.expression, code.albedo, code.rotation, code.translation, code.sh)
        return mean if code.std is None else (*mean, *vars(code.std).values())
