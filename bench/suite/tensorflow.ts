/** TensorFlow.js, a package of its own in bench/peers, installed when it is not there yet. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const FOLDER = 'bench/peers/tensorflow';
/** Script of a page. */
export const TENSORFLOW = `${FOLDER}/node_modules/@tensorflow/tfjs/dist/tf.min.js`;
/** The network and its step, the script after it. */
export const TENSORFLOW_STEP = `${FOLDER}/step.js`;

/** @throws Error when it cannot be had */
export function installTensorflow(): void {
  if (existsSync(TENSORFLOW)) return;
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
  execFileSync('npm', ['ci', '--prefix', FOLDER, ...options], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 300_000,
    shell: process.platform === 'win32',
  });
}
