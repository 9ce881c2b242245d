import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { env } from 'onnxruntime-node';
import { packageVersion } from './version.ts';

/** Sets of instructions between which ONNX Runtime chooses its kernels, as the kernel of Linux names them. */
const INSTRUCTIONS = ['avx', 'fma', 'avx2', 'avx512f', 'avx512bw', 'amx_tile', 'asimd', 'sve', 'sme', 'i8mm', 'bf16'];

/** The kind of processor: those of one kind compute the same bits. */
function processor(): string {
  try {
    const [, flags = ''] = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8')) ?? [];
    const has = new Set(flags.split(' '));
    return [process.arch, ...INSTRUCTIONS.filter((name) => has.has(name))].join(' ');
  } catch {
    return `${process.arch} ${cpus()[0]?.model.trim() ?? ''}`.trim();
  }
}

/** What the last bits of results depend on, beside model and image. */
export const versions = (): Readonly<Record<string, string>> => ({
  Lamella: packageVersion(),
  'ONNX Runtime': env.versions.node ?? 'unknown',
  'Node.js': process.versions.node,
  processor: processor(),
});
