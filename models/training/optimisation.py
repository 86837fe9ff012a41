"""Steps of one network: gradients, AdamW, the running mean of its weights, and what it was trained on."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from models.face_code import current_names
from models.layout import Layout
from models.outputs import AnyNet, Outputs
from models.training.config import TrainingConfig
from models.training.objectives import Objective, View
from models.training.schedule import Schedule, rate_at

_BETAS: Final = (0.9, 0.999)
Net = TypeVar("Net", bound=nn.Module)


class RunningMean(Generic[Net]):
    """An exponential running mean of a network's weights and buffers, as a network of its own.

    It forgets faster at first, so that a short run's mean is not of its beginning.
    """

    def __init__(self, net: Net, decay: float) -> None:
        self.net: Net = copy.deepcopy(net).requires_grad_(False).eval()
        self.decay = decay
        pairs = list(zip(_tensors(self.net), _tensors(net), strict=True))
        smooth = [mean.is_floating_point() for mean, _ in pairs]
        self._means = [mean for (mean, _), yes in zip(pairs, smooth, strict=True) if yes]
        self._values = [value for (_, value), yes in zip(pairs, smooth, strict=True) if yes]
        self._counters = [pair for pair, yes in zip(pairs, smooth, strict=True) if not yes]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the network after a step, counted from 0."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._means, self._values, 1 - decay)
        for mean, value in self._counters:
            mean.copy_(value)


def _tensors(net: nn.Module) -> list[Tensor]:
    return [tensor.detach() for tensor in net.state_dict(keep_vars=True).values()]


class Learner(Generic[Net]):
    """A network in training, whatever it is for.

    Args:
        module: what is called in training, of which ``net`` is the part that is kept; the network itself
            where not given.

    Attributes:
        net: the network itself.
        mean: its running mean, which is what is validated and kept.
        module: to be called in training, so that several processes share gradients.
    """

    def __init__(
        self, name: str, net: Net, config: Schedule, fabric: Fabric, module: nn.Module | None = None
    ) -> None:
        self.name, self._schedule, self._fabric = name, config, fabric
        self.net = net.to(fabric.device)
        if fabric.device.type == "cuda":
            self.net = self.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.mean = RunningMean(self.net, config.ema)
        self._scaled = config.precision == "16-mixed"
        adam = torch.optim.AdamW(
            _groups(self.net, config.weight_decay), config.rate, _BETAS, fused=not self._scaled
        )
        self.module, self.optimiser = fabric.setup(self.net if module is None else module, adam)
        self._adam = adam
        self._skipped = torch.zeros(
            3, dtype=torch.int64, device=fabric.device
        )  # in all, in a row, most in a row
        self._sums: dict[str, Tensor] = {}
        self._steps = torch.zeros((), device=fabric.device)

    def learn(self, terms: Mapping[str, Tensor], step: int) -> None:
        """One step down the sum of weighted losses.

        Where its gradient is not finite, weights stay as they are. The device is never waited for.
        """
        for group in self._adam.param_groups:
            group["lr"] = rate_at(step, self._schedule)
        total = torch.stack(list(terms.values())).sum()
        self.optimiser.zero_grad()
        self._fabric.backward(total)
        norm = self._fabric.clip_gradients(
            self.module, self.optimiser, max_norm=self._schedule.clip, error_if_nonfinite=False
        )
        assert norm is not None
        finite = norm.isfinite()
        if not self._scaled:  # with scaling, Fabric's scaler leaves such steps out itself
            self._adam.found_inf = (~finite).float()  # type: ignore[attr-defined]
        self.optimiser.step()
        self.mean.update(step)
        self._count(finite, {"loss": total, **terms})

    @torch.no_grad()
    def _count(self, finite: Tensor, terms: dict[str, Tensor]) -> None:
        in_all, in_row, most = self._skipped
        missed = (~finite).long()
        in_row = (in_row + 1) * missed
        self._skipped = torch.stack([in_all + missed, in_row, torch.maximum(most, in_row)])
        self._steps += finite
        for name, term in terms.items():
            value = torch.where(finite, term.detach(), 0.0)
            self._sums[name] = self._sums[name] + value if name in self._sums else value

    def figures(self) -> dict[str, float]:
        """Mean terms of the finite steps since the last call; waits for the device."""
        if not self._sums:
            return {}
        values = torch.stack([*self._sums.values(), self._steps]).tolist()
        steps = values.pop()
        figures = {name: value / steps for name, value in zip(self._sums, values, strict=True) if steps}
        self._sums = {}
        self._steps = torch.zeros_like(self._steps)
        return figures

    def skipped(self) -> tuple[int, int]:
        """Steps without a finite gradient: in all, and the most in a row; waits for the device."""
        in_all, _, most = self._skipped.tolist()
        return int(in_all), int(most)

    def state(self) -> dict[str, Any]:
        """All that the next step depends on."""
        return {
            "weights": self.net.state_dict(),
            "mean": self.mean.net.state_dict(),
            "optimiser": self._adam.state_dict(),
            "skipped": self._skipped,
            "sums": dict(self._sums),
            "steps": self._steps,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Take up a state.

        Raises:
            KeyError, RuntimeError, ValueError: it is of another network.
        """
        device = self._fabric.device
        self.net.load_state_dict(current_names(state["weights"]))
        self.mean.net.load_state_dict(current_names(state["mean"]))
        self._adam.load_state_dict(state["optimiser"])
        self._skipped = state["skipped"].to(device)
        self._sums = {name: value.to(device) for name, value in state["sums"].items()}
        self._steps = state["steps"].to(device)


class Trainee(Learner[AnyNet]):
    """A network that reads crops, in training."""

    def __init__(
        self,
        name: str,
        layout: Layout,
        net: AnyNet,
        objective: Objective,
        config: TrainingConfig,
        fabric: Fabric,
    ) -> None:
        super().__init__(name, net, config, fabric, Outputs(net))
        self.layout, self.config = layout, config
        self.objective = objective.to(fabric.device)

    def step(self, view: View, step: int) -> None:
        """One step, where the batch teaches this network anything."""
        outputs = self.module(view.observed.image, view.camera)
        terms = self.objective.terms(outputs, view, step / self.config.steps)
        if terms:
            self.learn(terms, step)


def _groups(net: nn.Module, decay: float) -> list[dict[str, Any]]:
    trained = [parameter for parameter in net.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in trained if p.dim() > 1], "weight_decay": decay},
        {"params": [p for p in trained if p.dim() <= 1], "weight_decay": 0.0},
    ]
