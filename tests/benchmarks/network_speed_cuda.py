"""Pictures a second that the networks read on a CUDA device, in PyTorch; DECA is quoted at about 120.

    python -m tests.benchmarks.network_speed_cuda [--repeats 50]

Crops are on the device already; decoding, finding the face and cutting the crop are not timed.
"""

from __future__ import annotations

import argparse
import statistics

import torch

from models.et_net import ETNet
from models.face_code import default_camera
from models.outputs import Outputs
from models.pe_net import PENet
from models.rec_net import RecNet

CASES = (
    ("RecNet, as shipped", lambda: RecNet(120, 48, "resnet18_48", spread=True), 224),
    ("ETNet, as shipped", lambda: ETNet("resnet18_32", spread=True), 128),
    ("RecNet, as the paper's", lambda: RecNet(80, 64, "resnet50"), 224),
    ("PE-Net, as the paper's", lambda: PENet(80, 80, "resnet50"), 224),
    ("PE-Net, MobileNetV2", lambda: PENet(80, 80, "mobilenetv2"), 224),
    ("ETNet, as the paper's", lambda: ETNet("resnet34"), 224),
)


@torch.no_grad()
def milliseconds(net: Outputs, side: int, batch: int, repeats: int, half: bool) -> float:
    """Median of one call."""
    images = torch.rand(batch, 3, side, side, device="cuda").contiguous(memory_format=torch.channels_last)
    camera = default_camera(batch, side, images)
    times = []
    for turn in range(repeats + 10):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        with torch.autocast("cuda", torch.bfloat16, enabled=half):
            net(images, camera)
        end.record()
        torch.cuda.synchronize()
        if turn >= 10:
            times.append(begin.elapsed_time(end))
    return statistics.median(times)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=50)
    options = parser.parse_args()
    torch.backends.cudnn.benchmark = True
    print(torch.cuda.get_device_name())
    print(f"{'':26s}{'one, ms':>10s}{'one, a second':>15s}{'64, a second':>14s}{'64 in bf16':>12s}")
    for name, make, side in CASES:
        net = Outputs(make().cuda().eval())
        one = milliseconds(net, side, 1, options.repeats, False)
        many, half = (64e3 / milliseconds(net, side, 64, options.repeats, how) for how in (False, True))
        print(f"{name:26s}{one:10.2f}{1e3 / one:15.0f}{many:14.0f}{half:12.0f}", flush=True)


if __name__ == "__main__":
    main()
