/** A runtime that takes Winograd's algorithm wherever it can, in blocks where the processor has kernels for them. */
import * as ort from 'onnxruntime-node';
import { findBlockedKernels } from '../../src/runtime/block-size.ts';
import { ortRuntime } from '../../src/runtime/ort.ts';

const sessionOptions = { intraOpNumThreads: 2, logSeverityLevel: 3 } as const;
const { blocks } = await findBlockedKernels(ort, sessionOptions);
export const blockSize = blocks?.size;
/** For the names of tests. */
export const absent = blockSize === undefined ? ' (skipped: this processor has no blocked kernels)' : '';

export const winogradEverywhere = () =>
  ortRuntime(ort, {
    device: 'cpu',
    description: 'CPU',
    sessionOptions,
    stateMode: 'swap',
    target: { ...(blocks && { blocks }), winograd: 'always' },
  });
