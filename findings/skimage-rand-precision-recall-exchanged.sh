#!/bin/sh
# scikit-image returns precision and recall of the adapted Rand error in exchanged places.
#
# Expected: adapted_rand_error(truth, test) documents (error, precision, recall). An object that the test splits in two puts no
#   pixel pair together wrongly, so precision is 1; pairs are torn apart, so recall is below 1. For a merge it is the other way.
# What happens: a split has precision below 1 and recall 1, a merge the reverse. The error itself (1 - F) is symmetric and right.
# Versions: scikit-image 0.26.0, numpy 2.4.0, Python 3.11 or later.
# For image processing: whoever reads over- or undersegmentation off these two numbers tunes in the wrong direction.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check scikit-image==0.26.0 numpy==2.4.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys
import numpy as np
from skimage.metrics import adapted_rand_error

whole = np.zeros((10, 40), int)
whole[:, 0:20], whole[:, 20:40] = 1, 2
parts = whole.copy()
parts[:, 10:20] = 3  # object 1 in two halves


def pairs(truth, test):
    """Precision and recall over pairs of different pixels, from the definition."""
    a, b = truth.ravel(), test.ravel()
    together = lambda x: (x[:, None] == x[None, :]) & ~np.eye(x.size, dtype=bool)
    both = (together(a) & together(b)).sum()
    return both / together(b).sum(), both / together(a).sum()


ok = True
for what, truth, test in [("split", whole, parts), ("merge", parts, whole)]:
    error, precision, recall = adapted_rand_error(truth, test)
    right = pairs(truth, test)
    print(f"{what}: scikit-image precision {precision:.3f}, recall {recall:.3f}; by definition {right[0]:.3f}, {right[1]:.3f}")
    ok = ok and abs(precision - right[1]) < 0.02 and abs(recall - right[0]) < 0.02 and abs(precision - recall) > 0.1
sys.exit(0 if ok else 1)
PYTHON
