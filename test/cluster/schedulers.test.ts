/** Files for schedulers that are not started here, as programs of others take them. */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kubernetesScript } from '../../src/cli/jobs/kubernetes.ts';
import { type JobRequest, measureStages, predictStages } from '../../src/cli/jobs/request.ts';
import { lamella } from '../cli/command.ts';
import { folderDigests } from '../support/folder-digests.ts';
import { askPeerOf, describeWithPeers, runPython } from '../support/peers.ts';
import { smallPrediction } from './small-prediction.ts';

const root = mkdtempSync(join(tmpdir(), 'lamella-schedulers-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const at = (...parts: readonly string[]): string => join(root, ...parts);

describeWithPeers(
  'manifests of Kubernetes',
  () => {
    const request: JobRequest = {
      program: ['lamella'],
      args: ['predict', "runs/it's", '/data/slide.ome.zarr', '--out', 'pred', '--objects'],
      folder: '/data',
      out: 'pred',
      stages: predictStages(true),
      ...{ shards: 64, parallel: 16, cpus: 4, memory: 4e9, minutes: 90 },
    };
    const options = { image: 'registry.lab/lamella:1', claim: 'images', mount: '/data', name: 'lamella' };
    const manifestsOf = (script: string): readonly Record<string, object>[] =>
      [...script.matchAll(/<<'JOB'\n(.*?)\nJOB\n/gs)].map(([, text]) => JSON.parse(text as string));
    const manifests = manifestsOf(kubernetesScript(request, options));
    /** What is wrong with each. */
    function check(version: string, checked: readonly object[]): readonly (string | null)[] {
      writeFileSync(at('manifests.json'), JSON.stringify(checked));
      return askPeerOf('schedulers', 'validate_kubernetes.py', version, at('manifests.json'));
    }

    // The first version that has all that is used, and the newest that is known.
    test.each(['1.33', '1.37'])('are those of version %s, without a field that it does not know', (version) => {
      const short = kubernetesScript({ ...request, minutes: undefined, stages: predictStages(false) }, options);
      const measure = kubernetesScript(
        { ...request, args: ['measure', 'pred', '--out', 'm'], out: 'm', stages: measureStages },
        options,
      );
      const all = [manifests, manifestsOf(short), manifestsOf(measure)];
      expect(all.map(({ length }) => length)).toEqual([4, 3, 3]);
      expect(check(version, all.flat())).toEqual(Array(10).fill(null));
    });

    test('in which a misspelt field and a value of another type would be found', () => {
      const [scan, predict] = manifests as [Record<string, object>, Record<string, object>];
      const wrong = [
        { ...predict, spec: { ...predict.spec, completion: 64 } },
        { ...scan, spec: { ...scan.spec, backoffLimit: '3' } },
        { ...scan, spec: {} },
      ];
      expect(check('1.33', wrong)).toEqual([
        expect.stringContaining("'completion' was unexpected"),
        expect.stringContaining("'3' is not of type 'integer'"),
        expect.stringContaining("'template' is a required property"),
      ]);
    });
  },
  'schedulers',
);

describeWithPeers(
  'a Snakefile',
  () => {
    const command = (out: string) => ['predict', 'a.onnx', 's.ome.zarr', '--out', out, '--memory', '1GB', '--objects'];
    const run = async (...args: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await lamella(args, { cwd: root });
      expect(code, stderr).toBe(0);
      return stdout;
    };
    const snakemake = () => runPython('schedulers', ['-m', 'snakemake', '--cores', '2'], { cwd: root });
    beforeAll(() => smallPrediction(root, { times: 3 }));

    test('that Snakemake runs writes the bytes of one process, and then there is nothing to be done', async () => {
      for (const stage of [
        ['--shard', '1/1'],
        ['--stage', 'objects', '--shard', '1/1'],
        ['--stage', 'finish'],
      ]) {
        await run(...command('one'), ...stage);
      }
      writeFileSync(
        at('Snakefile'),
        await run('jobs', 'snakemake', ...command('many'), '--shards', '2', '--cpus', '1'),
      );
      const { status, stderr } = snakemake();
      expect(status, stderr).toBe(0);
      expect(readdirSync(at('many/.lamella/marks')).sort()).toEqual([
        'finish',
        'objects-1-of-2',
        'objects-2-of-2',
        'predict-1-of-2',
        'predict-2-of-2',
        'scan',
      ]);
      expect(snakemake().stderr).toContain('Nothing to be done');
      rmSync(at('many/.lamella/marks'), { recursive: true });
      expect(folderDigests(at('many'))).toEqual(folderDigests(at('one')));
    });

    test('measures as well: the tables are those of one process', async () => {
      const measure = (out: string) => ['measure', 'one', '--as', 'objects', '--out', out];
      await run(...measure('whole'));
      writeFileSync(at('Snakefile'), await run('jobs', 'snakemake', ...measure('m'), '--shards', '2', '--cpus', '1'));
      const { status, stderr } = snakemake();
      expect(status, stderr).toBe(0);
      expect(readdirSync(at('m/.lamella/marks')).sort()).toEqual([
        'count-1-of-2',
        'count-2-of-2',
        'finish',
        'values-1-of-2',
        'values-2-of-2',
      ]);
      expect(snakemake().stderr).toContain('Nothing to be done');
      for (const table of ['objects.csv', 'images.csv']) {
        expect(readFileSync(at('m', table), 'utf8')).toBe(readFileSync(at('whole', table), 'utf8'));
      }
      expect(readFileSync(at('m/objects.csv'), 'utf8').split('\n').length).toBeGreaterThan(10);
      expect(await run('jobs', 'status', 'm')).toMatch(
        /^m: (\d+) counted and \1 measured, of \1 blocks of 1 label map, finished/,
      );
    });

    test('stops where a job fails, with what the job said', async () => {
      writeFileSync(
        at('Snakefile'),
        await run('jobs', 'snakemake', ...command('wrong'), '--shards', '2', '--cpus', '1'),
      );
      mkdirSync(at('wrong/probability'), { recursive: true });
      writeFileSync(at('wrong/probability/other.tif'), '');
      const { status, stderr } = snakemake();
      expect(status).not.toBe(0);
      expect(stderr).toContain('this folder holds other files, such as "probability"');
      expect(existsSync(at('wrong/.lamella'))).toBe(false);
    });
  },
  'schedulers',
);
