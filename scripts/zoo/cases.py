"""The node cases of the `onnx` package as files.

Usage: python scripts/zoo/cases.py FOLDER

FOLDER/<case>/model.onnx, input_<i>.pb and output_<i>.pb (tensors of ONNX), and FOLDER/cases.json: for each case its
operation, the tolerances that ONNX asks for, and whether all of its inputs and outputs are tensors; other cases have no
files but the model.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnx.backend.test.case.node import collect_testcases

warnings.simplefilter("ignore")


def tensor(array, info):
    """A tensor of the type that the model declares."""
    if isinstance(array, TensorProto):
        return array
    made = numpy_helper.from_array(np.asarray(array), info.name)
    declared = info.type.tensor_type.elem_type
    if made.data_type == declared:
        return made
    array = np.asarray(array).astype(helper.tensor_dtype_to_np_dtype(declared))
    return numpy_helper.from_array(array, info.name)


def write(case, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(case.model.SerializeToString())
    graph = case.model.graph
    infos = [*graph.input, *graph.output]
    isTensors = all(info.type.HasField("tensor_type") for info in infos)
    if isTensors:
        inputs, outputs = case.data_sets[0]
        for name, arrays, own in (("input", inputs, graph.input), ("output", outputs, graph.output)):
            for i, (array, info) in enumerate(zip(arrays, own, strict=True)):
                (folder / f"{name}_{i}.pb").write_bytes(tensor(array, info).SerializeToString())
    return isTensors


def operation(name, ops):
    """That of the case which a case of a function's body stands for."""
    return ops.get(name.split("_expanded")[0])


folder = Path(sys.argv[1])
cases = [case for case in collect_testcases(None) if case.kind == "node"]
ops = {case.name: case.model.graph.node[-1].op_type for case in cases if "_expanded" not in case.name}
described = {}
for case in cases:
    described[case.name] = {
        "op": operation(case.name, ops) or case.model.graph.node[-1].op_type,
        "rtol": case.rtol,
        "atol": case.atol,
        "tensors": write(case, folder / case.name),
    }
(folder / "cases.json").write_text(json.dumps(described, indent=1))
