import { DatasetError } from '../../src/errors.ts';
import { bytesSource, type Files } from '../../src/files.ts';

/** Files in memory, below whatever folder; `wholes` are those that were read as a whole. */
export function memoryFiles(contents: Readonly<Record<string, Uint8Array>>): Files & { readonly wholes: string[] } {
  const wholes: string[] = [];
  const get = (name: string): Uint8Array => {
    const bytes = contents[name];
    if (bytes === undefined) throw new DatasetError('there is no such file.', { file: name });
    return bytes;
  };
  return {
    wholes,
    list: async () => Object.keys(contents).sort(),
    read: async (_folder, name = '') => {
      wholes.push(name);
      return get(name);
    },
    open: async (_folder, name = '') => bytesSource(get(name), name),
  };
}
