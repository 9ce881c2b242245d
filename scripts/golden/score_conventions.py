"""What other programs give where a score is a matter of convention: what docs/scores.md says of them.

MONAI 1.6.1, MedPy 0.5.2, StarDist 0.9.2, torchmetrics 1.9.0, scikit-image 0.26.0, torch 2.13.0.
Usage: python score_conventions.py test/golden/score_conventions.json
"""

import contextlib
import json
import sys
import warnings

import numpy as np

warnings.filterwarnings("ignore")
found, missing = {}, []


@contextlib.contextmanager
def program(name):
    try:
        yield
    except ImportError as cause:
        missing.append(f"{name}: {cause}")


def number(value):
    value = float(value)
    return "NaN" if value != value else "Infinity" if value == float("inf") else value


def square(size=8, at=slice(2, 6)):
    a = np.zeros((size, size), bool)
    a[at, at] = True
    return a


EMPTY, THERE = np.zeros((8, 8), bool), square()
SIDES = {"both empty": (EMPTY, EMPTY), "only predicted": (EMPTY, THERE), "only true": (THERE, EMPTY)}

with program("monai"):
    import torch
    from monai.metrics import compute_dice, compute_hausdorff_distance

    def batch(mask):
        return torch.from_numpy(np.stack([~mask, mask])[None].astype(np.float32))

    for side, (truth, predicted) in SIDES.items():
        y, p = batch(truth), batch(predicted)
        found[f"monai Dice, {side}"] = number(compute_dice(p, y, include_background=False)[0, 0])
        found[f"monai Dice, ignore_empty=False, {side}"] = number(
            compute_dice(p, y, include_background=False, ignore_empty=False)[0, 0])
        found[f"monai HD, {side}"] = number(compute_hausdorff_distance(p, y)[0, 0])
        found[f"monai HD95, {side}"] = number(compute_hausdorff_distance(p, y, percentile=95)[0, 0])

with program("medpy"):
    if not hasattr(np, "Inf"):
        np.Inf = np.inf  # MedPy 0.5.2 was written for NumPy 1.
    from medpy.metric.binary import dc, hd95, jc

    for side, (truth, predicted) in SIDES.items():
        found[f"medpy Dice, {side}"] = number(dc(predicted, truth))
        found[f"medpy Jaccard, {side}"] = number(jc(predicted, truth))
        try:
            found[f"medpy HD95, {side}"] = number(hd95(predicted, truth))
        except RuntimeError:
            found[f"medpy HD95, {side}"] = "RuntimeError"

with program("stardist"):
    from stardist.matching import matching

    for side, (truth, predicted) in SIDES.items():
        found[f"stardist AP, {side}"] = number(matching(truth.astype(int), predicted.astype(int)).accuracy)

with program("torchmetrics"):
    import torch
    from torchmetrics.functional.segmentation import dice_score

    for side, (truth, predicted) in SIDES.items():
        y, p = (torch.from_numpy(m.astype(np.int64)[None]) for m in (truth, predicted))
        found[f"torchmetrics Dice, {side}"] = number(
            dice_score(p, y, num_classes=2, include_background=False, input_format="index", average="none").flatten()[0])

with program("skimage"):
    from skimage.metrics import adapted_rand_error, variation_of_information

    whole = np.ones((4, 4), int)
    halves = whole.copy()
    halves[:, 2:] = 2
    _, precision, recall = adapted_rand_error(whole, halves)
    found["scikit-image adapted_rand_error of a split, precision"] = number(precision)
    found["scikit-image adapted_rand_error of a split, recall"] = number(recall)
    split, merge = variation_of_information(whole, halves)
    found["scikit-image variation_of_information of halves, first"] = number(split)
    found["scikit-image variation_of_information of halves, second"] = number(merge)

if missing:
    sys.exit("not installed: " + "; ".join(missing))
text = json.dumps(found, indent=1) + "\n"
if len(sys.argv) > 1:
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write(text)
print(text)
