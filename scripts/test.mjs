// `npm test`: builds, makes sure that a browser and a WebGPU driver are there, runs every test, and ends
// in one line that counts. What cannot be installed is named; the tests that need it are then skipped
// with the reason in their names.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

function hasBrowser() {
  return process.env.CHROMIUM_PATH !== undefined || CHROMIUM.some(existsSync);
}

function hasVulkanLoader() {
  return (
    process.platform !== 'linux' || /libvulkan\.so\.1/.test(execFileSync('ldconfig', ['-p'], { encoding: 'utf8' }))
  );
}

function installMissing() {
  const missing = [...(hasBrowser() ? [] : ['chromium']), ...(hasVulkanLoader() ? [] : ['libvulkan1'])];
  if (missing.length === 0) return;
  const canInstall = process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
  if (canInstall) {
    console.log(`Installing ${missing.join(' and ')} with apt-get for the browser and WebGPU tests.`);
    const quiet = {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    };
    spawnSync('apt-get', ['update', '-qq'], quiet);
    spawnSync('apt-get', ['install', '-y', '-qq', ...missing], quiet);
  }
  if (!hasBrowser()) console.log('Missing: Chromium. Install it or set CHROMIUM_PATH; browser tests are skipped.');
  if (!hasVulkanLoader()) console.log('Missing: libvulkan1. WebGPU tests in Node are skipped.');
}

installMissing();
execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
mkdirSync('test-output', { recursive: true });
const results = 'test-output/results.json';
const run = spawnSync(
  process.execPath,
  [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${results}`,
    ...process.argv.slice(2),
  ],
  { stdio: 'inherit' },
);
const report = existsSync(results) ? JSON.parse(readFileSync(results, 'utf8')) : undefined;
const failed = report === undefined ? 1 : Math.max(report.numFailedTests, report.numFailedTestSuites > 0 ? 1 : 0);
const counts = [`${report?.numPassedTests ?? 0} passed`, `${failed} failed`];
if (report?.numPendingTests) counts.push(`${report.numPendingTests} skipped`);
console.log(counts.join(', '));
process.exitCode = run.status === 0 ? 0 : 1;
