"""The training step of bench/step.ts in PyTorch: python bench/peer/torch_step.py [base] [size] [batch] [steps]"""
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

base, size, batch, steps = (int(v) for v in (sys.argv[1:] + ["32", "256", "1", "8"][len(sys.argv) - 1 :]))
torch.set_num_threads(2)


def double(c, k):
    return nn.Sequential(nn.Conv2d(c, k, 3, padding=1), nn.ReLU(True), nn.Conv2d(k, k, 3, padding=1), nn.ReLU(True))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        widths = [base << i for i in range(5)]
        self.down = nn.ModuleList(double(c, k) for c, k in zip([1] + widths, widths))
        self.up = nn.ModuleList(nn.ConvTranspose2d(widths[i + 1], widths[i], 2, 2) for i in range(4))
        self.decode = nn.ModuleList(double(2 * widths[i], widths[i]) for i in range(4))
        self.head = nn.Conv2d(base, 2, 1)

    def forward(self, x):
        skips = []
        for i, layer in enumerate(self.down):
            x = layer(x if i == 0 else F.max_pool2d(x, 2))
            skips.append(x)
        for i in (3, 2, 1, 0):
            x = self.decode[i](torch.cat([skips[i], self.up[i](x)], 1))
        return self.head(x)


for name, memory in (("contiguous", torch.contiguous_format), ("channels-last", torch.channels_last)):
    torch.manual_seed(0)
    net = UNet().to(memory_format=memory)
    x = torch.randn(batch, 1, size, size).to(memory_format=memory)
    target = torch.randint(0, 2, (batch, size, size))
    optimiser = torch.optim.SGD(net.parameters(), 0.01, 0.9)
    times = []
    for _ in range(steps):
        start = time.perf_counter()
        optimiser.zero_grad()
        F.cross_entropy(net(x), target).backward()
        optimiser.step()
        times.append(1e3 * (time.perf_counter() - start))
    times.sort()
    count = sum(p.numel() for p in net.parameters())
    print(f"PyTorch {torch.__version__} {name}: {count} parameters, min {times[0]:.0f} median {times[len(times) // 2]:.0f} ms")
