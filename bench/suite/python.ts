/** The peers' Python: LAMELLA_BENCH_PYTHON, or environments made once each from what bench/peers locks. */
import { execFileSync } from 'node:child_process';

const ENVIRONMENTS = {
  core: { files: ['bench/peers/requirements.txt', 'bench/peers/torch.txt'], what: 'PyTorch, SciPy and scikit-image' },
  zoo: {
    files: ['bench/peers/requirements.txt', 'bench/peers/torch.txt', 'scripts/zoo/requirements.txt'],
    what: 'PyTorch and segmentation-models-pytorch',
  },
  stores: { files: ['test/peers/requirements.txt'], what: 'zarr-python' },
  blocks: { files: ['bench/peers/blocks.txt'], what: 'dask-image' },
  studio: { files: ['bench/peers/studio.txt'], what: 'napari and scikit-learn' },
} as const;

export type PythonName = keyof typeof ENVIRONMENTS;

/** @returns its path, or why it cannot be had; then the rows have one side only */
export function peersPython(name: PythonName, log: (line: string) => void): string | Error {
  const given = process.env.LAMELLA_BENCH_PYTHON;
  if (given !== undefined) return given;
  const { files, what } = ENVIRONMENTS[name];
  log(`Peers: ${what} are installed when they are not there yet.`);
  try {
    const made = execFileSync(process.execPath, ['scripts/peers.mjs', ...files], { encoding: 'utf8' });
    const { python, absent } = JSON.parse(made) as { readonly python?: string; readonly absent?: string };
    if (python !== undefined) return python;
    log(`The peers are left out: ${absent}.`);
    return new Error(absent);
  } catch (cause) {
    return cause as Error;
  }
}
