/** The peers' Python: LAMELLA_BENCH_PYTHON, or an environment made once from what bench/peers locks. */
import { execFileSync } from 'node:child_process';

/** @returns its path, or why it cannot be had; then the rows have one side only */
export function peersPython(log: (line: string) => void): string | Error {
  const given = process.env.LAMELLA_BENCH_PYTHON;
  if (given !== undefined) return given;
  log('Peers: PyTorch, SciPy and scikit-image are installed when they are not there yet.');
  const locked = ['bench/peers/requirements.txt', 'bench/peers/torch.txt'];
  try {
    const made = execFileSync(process.execPath, ['scripts/peers.mjs', ...locked], { encoding: 'utf8' });
    const { python, absent } = JSON.parse(made) as { readonly python?: string; readonly absent?: string };
    if (python !== undefined) return python;
    log(`The peers are left out: ${absent}.`);
    return new Error(absent);
  } catch (cause) {
    return cause as Error;
  }
}
