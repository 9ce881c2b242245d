"""Paired tests and bootstrap intervals by SciPy: test/golden/statistics.json."""

import json
import pathlib

import numpy as np
import scipy
from scipy import stats

rng = np.random.default_rng(5)


def mean(x, axis=-1):
    return np.mean(x, axis=axis)


def sign_flip(d):
    return stats.permutation_test((d,), mean, permutation_type="samples", n_resamples=np.inf, vectorized=True).pvalue


cases = {
    "few": rng.normal(0.02, 0.03, 6),
    "more": rng.normal(0.01, 0.03, 14),
    "skewed": rng.exponential(0.05, 12) - 0.02,
    "ties": np.array([0.1, -0.1, 0.2, 0.2, -0.3, 0.0, 0.4, 0.1, 0.0, 0.2]),
}
golden = {"scipy": scipy.__version__, "tests": {}, "intervals": {}, "normal": {}, "mcnemar": {}}
for name, d in cases.items():
    ties = name == "ties"
    method = "asymptotic" if ties else "exact"
    golden["tests"][name] = {
        "differences": d.tolist(),
        "signFlip": sign_flip(d),
        "wilcoxon": stats.wilcoxon(d, zero_method="wilcox", correction=False, method=method).pvalue,
        "exact": not ties,
    }
large = rng.normal(0.002, 0.03, 80)
golden["tests"]["many"] = {
    "differences": large.tolist(),
    "wilcoxon": stats.wilcoxon(large, correction=False, method="asymptotic").pvalue,
    "exact": False,
}
for name, values in {
    "scores": rng.beta(8, 2, 12),
    "skewed": rng.exponential(1, 20),
    "few": rng.normal(0, 1, 5),
}.items():
    result = stats.bootstrap((values,), np.mean, n_resamples=400_000, method="BCa", rng=np.random.default_rng(1), batch=20_000)
    low, high = result.confidence_interval
    golden["intervals"][name] = {"values": values.tolist(), "low": low, "high": high, "error": result.standard_error}
x = np.array([-8, -5, -3.6, -3.5, -1.96, -0.3, 0, 1e-9, 0.7, 1.645, 3.53, 3.54, 6])
golden["normal"] = {"x": x.tolist(), "cdf": stats.norm.cdf(x).tolist()}
golden["mcnemar"] = {
    "more": 61,
    "fewer": 38,
    "same": 900,
    "p": stats.binomtest(61, 99).pvalue,
}
out = pathlib.Path(__file__).parents[2] / "test" / "golden" / "statistics.json"
out.write_text(json.dumps(golden, indent=1) + "\n")
