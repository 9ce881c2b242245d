/** All images of a folder, one after the other, as a data set is read. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readAhead } from '../../src/dataset/discover/read-ahead.ts';
import { readImageFile } from '../../src/platform/node/image-files.ts';
import type { Task } from './task.ts';

export async function readTask({ folder }: { readonly folder: string }): Promise<Task> {
  const files = readdirSync(folder).map((name) => join(folder, name));
  return {
    run: async () => {
      for await (const _ of readAhead(files, readImageFile));
    },
  };
}
