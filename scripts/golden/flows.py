"""What Cellpose makes of label maps, and of maps of flows: test/objects/flows.test.ts.

Usage: python scripts/golden/flows.py > test/golden/flows.json

Arrays are {"shape": [...], "data": [...]}. Predicted maps are made from the labels by `predicted`, in the test as well.
"""

import importlib.metadata
import json

import numpy as np
import torch
from cellpose.dynamics import compute_masks, labels_to_flows
from skimage import segmentation

CPU = torch.device("cpu")
rng = np.random.default_rng(11)


def array(values):
    values = np.asarray(values)
    data = values.ravel().tolist()
    if values.dtype == np.float32:
        data = [float(f"{v:.9g}") for v in data]
    return {"shape": list(values.shape), "data": data}


def cells(shape, count, radius):
    """Ellipses, some long, some of which touch or are cut by the border of the image."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    labels = np.zeros(shape, int)
    for label in range(1, count + 1):
        a, b = rng.uniform(0.35, 1.3, 2) * radius
        cy, cx, turn = rng.uniform(0, shape[0]), rng.uniform(0, shape[1]), rng.uniform(0, np.pi)
        u = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)
        v = (y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)
        inside = (u / a) ** 2 + (v / b) ** 2 < 1
        if (labels[inside] > 0).mean() < 0.3:
            labels[inside & (labels == 0)] = label
    return segmentation.relabel_sequential(labels)[0]


def noise(count):
    """0..1, as from a multiplicative hash of 0, 1, 2 ..."""
    return (np.arange(count, dtype=np.uint64) * 2654435761 % 2**32) / 2**32


def flows_of(labels):
    return labels_to_flows([labels.copy()], device=CPU)[0][2:]


def predicted(labels, spread, turned):
    """Flows and logits as a network might predict them; those of every `turned`-th object lead out of it."""
    flows = flows_of(labels).astype(float)
    if turned > 0:
        flows[:, (labels > 0) & (labels % turned == 0)] *= -1
    flows = 5 * flows + spread * (noise(flows.size).reshape(flows.shape) - 0.5)
    logits = 8 * (labels > 0) - 4 + 9 * (noise(labels.size).reshape(labels.shape) - 0.5)
    return flows.astype(np.float32), logits.astype(np.float32)


def decoded(labels, spread, turned, **options):
    flows, logits = predicted(labels, spread, turned)
    masks = compute_masks(flows, logits, device=CPU, **options)
    return {"spread": spread, "turned": turned, **options, "labels": array(masks.astype(int))}


small = cells((24, 30), 7, 6)
ring = np.zeros((15, 17), int)
ring[2:13, 3:14] = 40
ring[6:9, 7:10] = 0
ring[12:, :4] = 7
ring[0, 16] = 3

large = cells((120, 130), 60, 11)
decodings = [
    decoded(large, 1, 0, cellprob_threshold=0, flow_threshold=0.4, niter=200, min_size=15),
    decoded(large, 4, 0, cellprob_threshold=-1, flow_threshold=0.4, niter=200, min_size=15),
    # One of inconsistent flows keeps Cellpose from finding small ones: none is removed for its size.
    decoded(large, 2, 5, cellprob_threshold=0, flow_threshold=0.4, niter=60, min_size=1),
    decoded(large, 2, 5, cellprob_threshold=0, flow_threshold=0, niter=60, min_size=40),
]
print(
    json.dumps(
        {
            "versions": {name: importlib.metadata.version(name) for name in ("cellpose", "torch", "numpy", "scikit-image")},
            "targets": [{"labels": array(labels), "flows": array(flows_of(labels))} for labels in (small, ring)],
            "labels": array(large),
            "decodings": decodings,
        },
        separators=(",", ":"),
    )
)
