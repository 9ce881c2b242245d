#!/bin/sh
# ONNX Runtime's sums depend on where in memory the input lies, in Node.
#
# Expected: the same model, the same numbers and one thread give the same bits.
# What happens: onnxruntime-node hands the memory of a typed array to the kernels as it lies. The last bit of a ReduceSum over
#   1,000 floats depends on whether the view begins at a multiple of 16 bytes: 12.0269136428833 there, 12.026911735534668 4 or
#   8 bytes later. Views that a message or a file was cut into lie anywhere (those of v8.deserialize, for instance).
# Versions: onnxruntime-node 1.30.0, Node.js 20.20.2, Linux x64. The model is written by onnx 1.21.0, Python 3.11.
# For image processing: whoever promises the same bits, or compares processes that should agree, copies views that are not
#   aligned into arrays of their own.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check onnx==1.21.0
venv/bin/python - <<'PYTHON'
import onnx
from onnx import TensorProto, helper

graph = helper.make_graph(
    [helper.make_node("ReduceSum", ["x"], ["y"], keepdims=0)], "sum",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1000])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [])])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), "sum.onnx")
PYTHON
npm init -y >npm.log
ONNXRUNTIME_NODE_INSTALL=skip npm install --silent --no-audit --no-fund onnxruntime-node@1.30.0 >>npm.log
cat >sum.cjs <<'NODE'
const ort = require('onnxruntime-node');
(async () => {
  const session = await ort.InferenceSession.create('sum.onnx', { intraOpNumThreads: 1 });
  const values = Float32Array.from({ length: 1000 }, (_, i) => (Math.sin(i * 12.9898) * 43758.5453) % 1);
  const sums = [];
  for (const bytes of [0, 4, 8, 16, 32]) {
    const view = new Float32Array(new ArrayBuffer(4000 + bytes), bytes, 1000);
    view.set(values);
    const { y } = await session.run({ x: new ort.Tensor('float32', view, [1000]) });
    console.log(`view that begins at byte ${bytes}: sum ${y.data[0]}`);
    sums.push(y.data[0]);
  }
  const [at0, at4, at8, at16, at32] = sums;
  process.exit(at0 === at16 && at16 === at32 && at4 !== at0 && at8 !== at0 ? 0 : 1);
})();
NODE
node sum.cjs
