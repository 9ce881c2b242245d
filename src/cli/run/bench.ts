import { performance } from 'node:perf_hooks';
import { float32 } from '../../array/ndarray.ts';
import { stream } from '../../array/random.ts';
import { ModelError } from '../../errors.ts';
import { readSignature } from '../../graph/onnx/model.ts';
import { writeOnnx } from '../../graph/onnx/write.ts';
import { exportNetwork } from '../../models/prediction.ts';
import { buildNetwork, MODELS } from '../../models/registry.ts';
import { isWindowName } from '../../models/sliding-window.ts';
import { nodeFiles } from '../../platform/node/files.ts';
import { openRuntime } from '../../platform/node/runtime.ts';
import { holdsPatchClassifier, loadPatches, openPatchProgram } from '../../predict/patch-model.ts';
import { classifyPixels } from '../../predict/patchwise.ts';
import { initialWeights } from '../../train/step.ts';
import { modelFileOf } from '../../workflows/model-files.ts';
import type { command } from '../commands/bench.ts';
import type { Options, Positionals } from '../declare.ts';
import { printJson, say } from '../print.ts';
import { countDisplay, formatDuration } from '../progress.ts';

/** The file of a network: by its name, untrained, or from a run or path. */
async function fileOf(network: string): Promise<{ readonly title: string; readonly bytes: Uint8Array }> {
  if (isWindowName(network)) {
    const { spec, size } = MODELS[network].typical;
    const { parameters } = buildNetwork(spec, [1, spec.channels, ...size]);
    return {
      title: `${network}, untrained`,
      bytes: writeOnnx(exportNetwork(spec, initialWeights(parameters, 0))),
    };
  }
  const file = await modelFileOf(nodeFiles, network);
  return { title: file, bytes: await nodeFiles.read(file) };
}

/** Number of runs, of which the fastest counts, after one that allocates memory. */
const RUNS = 3;

export async function run(
  [, network]: Positionals<typeof command>,
  { size, sample, device, json = false }: Options<typeof command>,
): Promise<void> {
  const { title, bytes } = await fileOf(network);
  const signature = readSignature(bytes);
  if (!holdsPatchClassifier(signature)) {
    throw new ModelError('this network is not a pixel classifier of windows.', {
      file: title,
      remedy: 'Use n1, n2, n3, n4, a run of one of them, or an ONNX patch classifier.',
    });
  }
  const runtime = await openRuntime({ device });
  try {
    const patches = await loadPatches(runtime, bytes, signature);
    const dense = await openPatchProgram(runtime, bytes, signature, { evaluation: 'dense' });
    const { channels, outputs } = patches;
    const { margin } = dense.rule;
    const [rows, columns] = size;
    const [height, width] = [rows + 2 * margin, columns + 2 * margin];
    const random = stream(0, 'bench');
    const image = float32([1, channels, height, width]);
    for (let i = 0; i < image.data.length; i++) image.data[i] = random.between(-1, 1);
    const planes = { planes: image.data, height, width };

    const pixels = rows * columns;
    const count = Math.min(sample, pixels);
    // Spread over the whole image.
    const place = (i: number): number => Math.floor((i * pixels) / count);
    const at = (i: number) =>
      [margin + Math.floor(place(i) / columns), margin + (place(i) % columns)] as readonly [number, number];
    await classifyPixels(patches, planes, Math.min(count, 64), at);
    const display = json ? undefined : countDisplay('windows');
    const beganMs = performance.now();
    const slow = await classifyPixels(patches, planes, count, at, { onProgress: display?.update });
    const sampleMs = performance.now() - beganMs;

    let denseMs = Number.POSITIVE_INFINITY;
    let fast = new Float32Array(0);
    for (let run = 0; run <= RUNS; run++) {
      const startMs = performance.now();
      const output = (await dense.program.run({ [patches.inputName]: image }))[patches.outputName];
      if (run > 0) denseMs = Math.min(denseMs, performance.now() - startMs);
      fast = output?.data as Float32Array<ArrayBuffer>;
    }
    let largest = 0;
    for (let i = 0; i < count; i++) {
      for (let c = 0; c < outputs; c++) {
        const difference = Math.abs((slow.data[c * count + i] as number) - (fast[c * pixels + place(i)] as number));
        largest = Math.max(largest, difference);
      }
    }
    const patchwiseMs = (sampleMs * pixels) / count;
    const ratio = patchwiseMs / denseMs;
    if (json) {
      const facts = {
        network: title,
        device: runtime.description,
        widthPx: columns,
        heightPx: rows,
        windowPx: patches.window.side,
      };
      const times = { sampledWindows: count, sampleMs, patchwiseMs, denseMs, ratio, largestDifference: largest };
      return printJson({ ...facts, ...times });
    }
    const all = pixels.toLocaleString('en');
    const whole =
      count === pixels
        ? ''
        : `, extrapolated from ${count.toLocaleString('en')} that took ${(sampleMs / 1000).toFixed(2)} s`;
    say(
      `${title}: ${columns} x ${rows} pixels, one window of ${patches.window.side} x ${patches.window.side} per pixel; ${runtime.description}`,
      `patchwise: ${(patchwiseMs / 1000).toFixed(1)} s (${formatDuration(patchwiseMs)}) for ${all} windows${whole}`,
      `dense:     ${(denseMs / 1000).toFixed(3)} s, the fastest of ${RUNS} runs`,
      `${ratio.toFixed(0)} times faster; largest difference between the two ${largest.toExponential(1)}`,
    );
  } finally {
    await runtime.dispose();
  }
}
