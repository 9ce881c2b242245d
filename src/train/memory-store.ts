import type { Store } from './store.ts';

const encoder = new TextEncoder();

/** A run kept in memory: for pages, which have no file system. */
export function memoryStore(name: string): Store {
  const files = new Map<string, Uint8Array[]>();
  const bytesOf = (content: Uint8Array | string): Uint8Array =>
    typeof content === 'string' ? encoder.encode(content) : content.slice();
  return {
    name,
    pathOf: (file) => file,
    async list(folder) {
      const prefix = `${folder}/`;
      const inside = [...files.keys()].filter((file) => file.startsWith(prefix));
      return inside.map((file) => file.slice(prefix.length)).sort();
    },
    async read(file) {
      const parts = files.get(file);
      if (parts === undefined || parts.length <= 1) return parts?.[0];
      const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
      let at = 0;
      for (const part of parts) {
        whole.set(part, at);
        at += part.length;
      }
      files.set(file, [whole]);
      return whole;
    },
    async write(file, content) {
      files.set(file, [bytesOf(content)]);
    },
    async append(file, text) {
      const parts = files.get(file);
      if (parts === undefined) files.set(file, [encoder.encode(text)]);
      else parts.push(encoder.encode(text));
    },
    async remove(file) {
      files.delete(file);
    },
  };
}
