import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatProfile, type Profile, sumProfile } from '../../runtime/profile.ts';
import { RUN_FILES, type Store } from '../../train/store.ts';
import type { Trace } from '../../workflows/host.ts';

/** A trace that can be stored with a run. */
interface RunTrace extends Trace {
  /** Stores the trace and its sums with a run, after the program is disposed; undefined if there is no trace. */
  keep(store: Store): Promise<Profile | undefined>;
}

const WARM_UP_RUNS = 3;
const PROFILED_RUNS = 10;

/** @param runs number of runs to trace; default: three to skip and ten to measure */
export async function openTrace({ runs = WARM_UP_RUNS + PROFILED_RUNS } = {}): Promise<RunTrace> {
  const folder = await mkdtemp(join(tmpdir(), 'lamella-profile-'));
  const read = async (): Promise<string | undefined> => {
    const [name] = await readdir(folder);
    return name === undefined ? undefined : readFile(join(folder, name), 'utf8');
  };
  return {
    request: { prefix: join(folder, 'trace'), runs },
    text: read,
    async keep(store) {
      const text = await read();
      if (text === undefined) return undefined;
      const profile = sumProfile(text, { leaveOut: WARM_UP_RUNS });
      await store.write(RUN_FILES.trace, text);
      await store.write(RUN_FILES.profile, formatProfile(profile));
      return profile;
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
