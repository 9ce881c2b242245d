/** All images of a folder, read one after the other. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readImageFile } from '../../src/platform/node/image-files.ts';
import type { Task } from './task.ts';

export async function readTask({ folder }: { readonly folder: string }): Promise<Task> {
  const files = readdirSync(folder).map((name) => join(folder, name));
  return {
    run: async () => {
      for (const file of files) await readImageFile(file);
    },
  };
}
