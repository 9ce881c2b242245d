// `npm test`: builds, makes sure that a browser, a WebGPU driver and the programs that read back what is written are
// there, runs every test, and ends in one line that counts. What cannot be installed is named; the tests that need it are then skipped
// with the reason in their names.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { hasPython, preparePeers } from './peers.mjs';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

function hasBrowser() {
  return process.env.CHROMIUM_PATH !== undefined || CHROMIUM.some(existsSync);
}

function hasVulkanLoader() {
  return (
    process.platform !== 'linux' || /libvulkan\.so\.1/.test(execFileSync('ldconfig', ['-p'], { encoding: 'utf8' }))
  );
}

/** ImageJ, and Rhino to run a script beside it. */
const hasImageJ = () => ['ij.jar', 'js.jar'].every((jar) => existsSync(`/usr/share/java/${jar}`));
/** A scheduler, in which jobs of `lamella jobs` are run. */
const hasSlurm = () => existsSync('/usr/sbin/slurmctld') && existsSync('/usr/sbin/munged');
/** Both kinds of MPI, for training by several processes. */
const hasMpi = () => ['openmpi', 'mpich'].every((name) => existsSync(`/usr/bin/mpirun.${name}`));
const hasJava = () => spawnSync('java', ['-version'], { stdio: 'ignore' }).status === 0;

function installMissing() {
  const wanted = [
    ['chromium', hasBrowser],
    ['libvulkan1', hasVulkanLoader],
    ['python3 python3-venv', hasPython],
    ['libij-java librhino-java', hasImageJ],
    ['default-jre-headless', hasJava],
    ['slurmctld slurmd slurm-client munge', hasSlurm],
    ['openmpi-bin mpich', hasMpi],
  ];
  const missing = wanted.filter(([, isThere]) => !isThere()).map(([packages]) => packages);
  if (missing.length === 0) return;
  const canInstall = process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
  if (canInstall) {
    console.log(`Installing ${missing.join(', ')} with apt-get for the tests.`);
    const quiet = {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    };
    spawnSync('apt-get', ['update', '-qq'], quiet);
    const install = (packages) => spawnSync('apt-get', ['install', '-y', '-qq', ...packages.split(' ')], quiet);
    // One that cannot be had does not keep the others away.
    if (install(missing.join(' ')).status !== 0) missing.forEach(install);
  }
  if (!hasBrowser()) console.log('Missing: Chromium. Install it or set CHROMIUM_PATH; browser tests are skipped.');
  if (!hasVulkanLoader()) console.log('Missing: libvulkan1. WebGPU tests in Node are skipped.');
  if (!hasSlurm()) console.log('Missing: Slurm. Jobs on it are not tested.');
  if (!hasMpi()) console.log('Missing: Open MPI or MPICH. Training by several processes is not tested with it.');
  if (!hasImageJ() || !hasJava()) console.log('Missing: ImageJ or Java. What ImageJ reads is not tested.');
}

installMissing();
const peers = preparePeers();
if (peers.absent !== undefined) console.log(`Missing: ${peers.absent}. What Python libraries read is not tested.`);
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
  { stdio: 'inherit', env: { ...process.env, LAMELLA_PEERS: JSON.stringify(peers) } },
);
const report = existsSync(results) ? JSON.parse(readFileSync(results, 'utf8')) : undefined;
const failed = report === undefined ? 1 : Math.max(report.numFailedTests, report.numFailedTestSuites > 0 ? 1 : 0);
const counts = [`${report?.numPassedTests ?? 0} passed`, `${failed} failed`];
if (report?.numPendingTests) counts.push(`${report.numPendingTests} skipped`);
console.log(counts.join(', '));
process.exitCode = run.status === 0 ? 0 : 1;
