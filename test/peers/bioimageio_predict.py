"""Tests packages with bioimageio.core, and predicts an image: PACKAGE IMAGE.npy OUT.npy blocks|whole, again and again.

Prints, for each, the status of the test and what failed. Images are [channels, height, width], with or without an axis of one before, and what is written is without."""

import json
import os
import sys
import warnings

# Before it is imported.
os.environ["TQDM_DISABLE"] = "1"

warnings.filterwarnings("ignore")
from loguru import logger

logger.remove()
import numpy as np
from bioimageio.core import Tensor, load_model_description, predict, test_model

answers = []
for package, image, out, how in zip(*[iter(sys.argv[1:])] * 4):
    summary = test_model(package, weight_format="onnx")
    failed = [f"{d.name}: {e.msg}" for d in summary.details for e in d.errors]
    answer = {"status": summary.status, "failed": failed, "tests": len(summary.details)}
    if summary.status == "passed":
        model = load_model_description(package)
        data = np.load(image)
        data = data.reshape((1,) + data.shape[-3:])
        tensor = Tensor(data, dims=("batch", "channel", "y", "x"))
        blocks = {"blocksize_parameter": 24} if how == "blocks" else {}
        sample = predict(model=model, inputs={"image": tensor}, **blocks)
        result = np.asarray(sample.members["probabilities"].data)[0]
        np.save(out, result.astype(np.float32))
        answer["shape"] = list(result.shape)
        answer["channels"] = list(model.outputs[0].axes[1].channel_names)
    answers.append(answer)
print(json.dumps(answers))
