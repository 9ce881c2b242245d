import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (file: string) => JSON.parse(readFileSync(file, 'utf8'));

// The CPU and WebGPU libraries are inside the package; its install script would fetch CUDA from elsewhere. npm 11 is
// told by `allowScripts`, npm 10 by the lock file, which makes no mention of the script. (`npm install` may write it
// again after an update of onnxruntime-node: remove the line "hasInstallScript" then.)
test('npm ci runs no install script of onnxruntime-node, and no setting of npm that npm does not know', () => {
  expect(read('package.json').allowScripts['onnxruntime-node']).toBe(false);
  expect(read('package-lock.json').packages['node_modules/onnxruntime-node'].hasInstallScript).toBeUndefined();
  expect(existsSync('.npmrc')).toBe(false);
});

test('allowScripts says no more than what npm would ask about', () => {
  const { packages } = read('package-lock.json');
  const asked = Object.keys(read('package.json').allowScripts).filter((name) => name !== 'onnxruntime-node');
  const scripted = Object.keys(packages).filter((path) => packages[path].hasInstallScript === true);
  expect(asked.map((name) => `node_modules/${name}`).sort()).toEqual(
    scripted.filter((path) => !/fsevents/.test(path)).sort(),
  );
});
