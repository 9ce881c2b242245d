/** What Studio last read or wrote of files that it writes over: other programs may change them while it is open. */

import { joinPath, type WritableFiles } from '../files.ts';
import { fileFacts } from './project-folder.ts';

/** The whole content counts: the times of files shift on network drives, and Fiji writes every label map of an image in one size. */
const stampOf = (bytes: Uint8Array): string => JSON.stringify(fileFacts([{ bytes }]));

export class KnownFiles {
  readonly #files: WritableFiles;
  readonly #folder: string;
  readonly #stamps = new Map<string, string>();

  /** @param folder the project's, in which all files lie */
  constructor(files: WritableFiles, folder: string) {
    this.#files = files;
    this.#folder = folder;
  }

  /** To be called before a file is read, so that what comes between is seen. */
  async note(file: string): Promise<void> {
    const stamp = await this.#stampNow(file);
    if (stamp !== undefined) this.#stamps.set(file, stamp);
  }

  async write(file: string, content: Uint8Array): Promise<void> {
    await this.#files.write(joinPath(this.#folder, file), content);
    this.#stamps.set(file, stampOf(content));
  }

  /** Whether a file, which was noted or written, is another now. Of one that is gone nothing can be lost. */
  async isChanged(file: string): Promise<boolean> {
    return this.#stamps.has(file) && this.#isOther(file);
  }

  /** Whether nothing of others is lost if a file is written. */
  async mayWrite(file: string): Promise<boolean> {
    return !(await this.#isOther(file));
  }

  /** A name that no file has: the given one, or with the next number behind it. */
  async freeName(name: string, extension: string): Promise<string> {
    let free = `${name}${extension}`;
    for (let number = 2; (await this.#kind(free)) !== undefined; number++) free = `${name}-${number}${extension}`;
    return free;
  }

  #kind(file: string): Promise<'file' | 'folder' | undefined> {
    return this.#files.kind(joinPath(this.#folder, file));
  }

  /** Undefined where there is no file. */
  async #stampNow(file: string): Promise<string | undefined> {
    if ((await this.#kind(file)) !== 'file') return undefined;
    return stampOf(await this.#files.read(joinPath(this.#folder, file)));
  }

  async #isOther(file: string): Promise<boolean> {
    const now = await this.#stampNow(file);
    return now !== undefined && now !== this.#stamps.get(file);
  }
}
