import { strToU8 } from 'fflate';
import type { Store } from '../../src/train/store.ts';

/** A run that is kept in memory. `files` is what it holds. */
export function memoryStore(): Store & { readonly files: Map<string, Uint8Array> } {
  const files = new Map<string, Uint8Array>();
  const bytesOf = (content: Uint8Array | string) => (typeof content === 'string' ? strToU8(content) : content.slice());
  return {
    files,
    name: 'memory',
    pathOf: (file) => `memory/${file}`,
    list: async (folder) =>
      [...files.keys()]
        .filter((name) => name.startsWith(`${folder}/`))
        .map((name) => name.slice(folder.length + 1))
        .sort(),
    read: async (file) => files.get(file),
    write: async (file, content) => {
      files.set(file, bytesOf(content));
    },
    append: async (file, text) => {
      const before = files.get(file) ?? new Uint8Array();
      const added = strToU8(text);
      const both = new Uint8Array(before.length + added.length);
      both.set(before);
      both.set(added, before.length);
      files.set(file, both);
    },
    remove: async (file) => {
      files.delete(file);
    },
  };
}
