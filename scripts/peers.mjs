// Independent readers for the tests: a Python environment with what test/peers/requirements.txt locks, made once in
// node_modules/.cache. Called by scripts/test.mjs, and by tests that run without it; by the benchmarks with files of
// their own. Prints JSON: {"python": path} or {"absent": reason}.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const REQUIREMENTS = join(ROOT, 'test/peers/requirements.txt');

/** A Python from 3.11 on that can make environments; the wheels are locked for these. */
function findPython() {
  const names = [process.env.LAMELLA_PYTHON, 'python3', 'python3.13', 'python3.12', 'python3.11', '/usr/bin/python3'];
  const check = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))';
  return names.find((name) => name !== undefined && spawnSync(name, ['-c', check], { stdio: 'ignore' }).status === 0);
}

export function hasPython() {
  return findPython() !== undefined;
}

/** @param files locked requirements, installed one after the other; hashes are checked where a file has them */
export function preparePeers(files = [REQUIREMENTS]) {
  const texts = files.map((file) => readFileSync(file, 'utf8'));
  const key = createHash('sha256').update(texts.join('')).digest('hex').slice(0, 16);
  const folder = join(ROOT, 'node_modules/.cache', `lamella-peers-${key}`);
  const binary = process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python';
  const python = join(folder, binary);
  if (existsSync(python)) return { python };
  const base = findPython();
  if (base === undefined) return { absent: 'no Python from 3.11 on with venv' };
  // Made elsewhere and moved as a whole, so that half an environment is never found.
  const made = `${folder}.${process.pid}`;
  mkdirSync(dirname(folder), { recursive: true });
  try {
    execFileSync(base, ['-m', 'venv', made], { stdio: ['ignore', 'ignore', 'pipe'] });
    const options = ['--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary', ':all:'];
    const patience = ['--retries', '1', '--timeout', '20'];
    for (const [i, file] of files.entries()) {
      const hashes = texts[i].includes('--hash') ? ['--require-hashes'] : [];
      execFileSync(join(made, binary), ['-m', 'pip', 'install', ...options, ...hashes, ...patience, '-r', file], {
        stdio: ['ignore', 'ignore', 'pipe'],
        timeout: 600_000,
      });
    }
    try {
      renameSync(made, folder);
    } catch (cause) {
      // Somebody else was quicker.
      if (!existsSync(python)) throw cause;
    }
    return { python };
  } catch (cause) {
    const said = String(cause.stderr ?? cause.message).trim();
    return { absent: `the Python packages cannot be installed (${said.split('\n').at(-1)})` };
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const files = process.argv.slice(2);
  console.log(JSON.stringify(preparePeers(files.length > 0 ? files : undefined)));
}
