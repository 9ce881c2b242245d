import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatProfile, type Profile, sumProfile } from '../../runtime/profile.ts';
import type { ProfileRequest } from '../../runtime/runtime.ts';
import { RUN_FILES, type Store } from '../../train/store.ts';

/** A place for the trace that ONNX Runtime writes of a graph's first runs. */
interface Trace {
  readonly request: ProfileRequest;
  /** Keeps the trace and its sums with a run, once the program is disposed; nothing where there is no trace. */
  keep(store: Store): Promise<Profile | undefined>;
  close(): Promise<void>;
}

const WARM_UP_RUNS = 3;
const PROFILED_RUNS = 10;

export async function openTrace(): Promise<Trace> {
  const folder = await mkdtemp(join(tmpdir(), 'lamella-profile-'));
  return {
    request: { prefix: join(folder, 'trace'), runs: WARM_UP_RUNS + PROFILED_RUNS },
    async keep(store) {
      const [name] = await readdir(folder);
      if (name === undefined) return undefined;
      const text = await readFile(join(folder, name), 'utf8');
      const profile = sumProfile(text, { leaveOut: WARM_UP_RUNS });
      await store.write(RUN_FILES.trace, text);
      await store.write(RUN_FILES.profile, formatProfile(profile));
      return profile;
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
