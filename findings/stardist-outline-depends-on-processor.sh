#!/bin/sh
# StarDist gives another outline for the same maps on another processor.
#
# Expected: the same maps, the same versions, the same outlines; between equally probable proposals some fixed order decides.
# What happens: proposals are sorted by probability with numpy's default sort, which leaves equal values in an order that depends
#   on the processor's vector instructions. In a rod 33 pixels of the middle line are equally probable by StarDist's own
#   edt_prob. With AVX-512 the proposal at column 26 wins, with AVX2 that at 28, with neither that at 40: 987, 995 and 1001
#   pixels, of a rod of 1013. Maps in half precision or 8 bits have more ties. Shapes with one best pixel come out the same.
# Versions: stardist 0.9.2, numpy 2.0.2, Python 3.11, on x86-64 with AVX2 at least. Its instructions are switched off by
#   NPY_DISABLE_CPU_FEATURES, numpy's own setting, which stands for an older processor.
# For image processing: compare results across machines with a tolerance; between ties the outline is chance.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps stardist==0.9.2 csbdeep==0.8.2 numpy==2.0.2 scipy==1.17.1 scikit-image==0.26.0 lazy-loader==0.6 numba==0.68.1 llvmlite==0.50.0 packaging==26.4 six==1.17.0 tqdm==4.70.1
cat >"$folder/rod.py" <<'PYTHON'
import sys
import numpy as np
from stardist.geometry import polygons_to_label, star_dist
from stardist.nms import non_maximum_suppression
from stardist.utils import edt_prob

y, x = np.mgrid[:40, :80]
rod = (np.hypot(y - 20, x - np.clip(x, 20, 60)) <= 9).astype(np.int32)
probability, distances = edt_prob(rod), star_dist(rod, 32)
points, _, kept = non_maximum_suppression(distances, probability, nms_thresh=0.4, prob_thresh=0.5)
mask = polygons_to_label(kept, points, rod.shape) > 0
best = (probability == probability.max()).sum()
print(f"{sys.argv[1]}: of {best} equally best proposals {points.tolist()} is kept, {mask.sum()} pixels of {rod.sum()}")
np.savez(sys.argv[2], probability=probability, distances=distances, mask=mask)
PYTHON
wide="AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"
cd "$folder"
venv/bin/python -W ignore rod.py "all instructions" all.npz
NPY_DISABLE_CPU_FEATURES="$wide" venv/bin/python -W ignore rod.py "without AVX-512" without512.npz
NPY_DISABLE_CPU_FEATURES="$wide AVX2" venv/bin/python -W ignore rod.py "without AVX-512 and AVX2" without.npz
venv/bin/python - <<'PYTHON'
import sys
import numpy as np

runs = [np.load(name) for name in ("all.npz", "without512.npz", "without.npz")]
same = all(np.array_equal(runs[0][key], run[key]) for run in runs for key in ("probability", "distances"))
changed = [int((runs[i]["mask"] != runs[j]["mask"]).sum()) for i, j in ((0, 1), (0, 2), (1, 2))]
print("same maps:", same, "- pixels that differ, first and second, first and third, second and third:", changed)
sys.exit(0 if same and changed[2] > 0 else 1)
PYTHON
