"""
Runs an ONNX file with the onnxruntime of Python: run_onnx.py MODEL INPUT SHAPE BORDER OUTPUT, raw float32. The image is
mirrored around itself, BORDER pixels wide, as Lamella does before it predicts. Prints JSON.
"""

import json
import sys

import numpy as np
import onnxruntime

model, given, shape, border, out = sys.argv[1:]
border = int(border)
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
image = np.fromfile(given, np.float32).reshape([int(n) for n in shape.split(",")])
sides = (border, border)
image = np.pad(image, ((0, 0), (0, 0), sides, sides), mode="symmetric")
(result,) = session.run(None, {session.get_inputs()[0].name: image})
result = result[:, :, border:-border, border:-border]
np.ascontiguousarray(result).tofile(out)
metadata = session.get_modelmeta().custom_metadata_map
print(json.dumps({"shape": result.shape, "dtype": str(result.dtype), "metadata": sorted(metadata)}))
