"""Light in textured pictures."""

from __future__ import annotations

import torch

from core.scene.portrait import interreflected


def test_folds_of_light_materials_stay_lighter() -> None:
    openness = torch.linspace(0, 1, 21)[:, None, None]
    albedo = torch.linspace(0, 0.9, 10)[None, :, None]
    light = interreflected(openness.expand(21, 10, 1), albedo.expand(21, 10, 3))[..., 0]

    assert torch.all(light >= openness[..., 0])
    assert torch.all(light.diff(dim=0) > 0), "more open is lighter"
    assert torch.all(light.diff(dim=1) >= 0), "whiter is lighter"
    torch.testing.assert_close(light[:, 0], openness[:, 0, 0], msg="black reflects nothing")
    torch.testing.assert_close(light[-1], torch.ones(10), msg="in the open nothing changes")
    assert light[8, 8] > 1.3 * openness[8, 0, 0], "teeth behind lips"
