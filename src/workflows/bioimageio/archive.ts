/** The files of a BioImage.IO package: a zip, or a folder with a description in it. Nothing is unpacked to disk. */

import { FormatError } from '../../errors.ts';
import { baseName, type Files, folderName, joinPath } from '../../files.ts';
import { blobOf, readZip } from '../../image/zip.ts';
import { isDescription, PACKAGE_NAMES } from '../model-files.ts';

export interface PackageFiles {
  /** The zip, or the description in a folder. */
  readonly file: string;
  /** The description, as YAML. */
  readonly text: string;
  /**
   * The bytes of a file that the description names.
   * @throws FormatError if it is not in the package, or the name leads out of it
   */
  read(source: string): Promise<Uint8Array>;
}

/** What an entry may hold when it is unpacked. */
const MOST_BYTES = 2 ** 31 - 1;

/**
 * @param path a zip, or the description in a folder
 * @throws FormatError for a zip that is damaged, or has no description or several
 */
export async function openPackage(files: Files, path: string): Promise<PackageFiles> {
  if (!/\.zip$/i.test(path)) {
    const text = new TextDecoder().decode(await files.read(path));
    return { file: path, text, read: async (source) => files.read(joinPath(folderName(path), inside(source, path))) };
  }
  const entries = await readZip(blobOf(await files.read(path)), path, MOST_BYTES);
  const described = entries.map((entry) => entry.path).filter(isDescription);
  const depth = (name: string): number => name.split('/').length;
  const least = Math.min(...described.map(depth));
  const [found, other] = described.filter((name) => depth(name) === least);
  if (found === undefined || other !== undefined) {
    const problem =
      found === undefined ? 'no description of a model is in it' : `it has two descriptions, ${found} and ${other}`;
    throw new FormatError(`${problem}.`, {
      file: path,
      remedy: `Use a package of BioImage.IO, which has one ${PACKAGE_NAMES[0]}.`,
    });
  }
  const root = found.slice(0, -baseName(found).length);
  const read = async (name: string): Promise<Uint8Array> => {
    const entry = entries.find((one) => one.path === name);
    if (entry !== undefined) return entry.read();
    throw new FormatError(`its description names '${name.slice(root.length)}', which is not in the package.`, {
      file: path,
      remedy: 'Download the package again, as a whole.',
    });
  };
  return {
    file: path,
    text: new TextDecoder().decode(await read(found)),
    read: async (source) => read(root + inside(source, path)),
  };
}

/** The name of a file within a package. @throws FormatError if it leads out of it, or elsewhere */
function inside(source: string, file: string): string {
  const name = source.replaceAll('\\', '/').replace(/^(?:\.\/)+/, '');
  if (/^\w[\w+.-]+:\/\//.test(name)) {
    throw new FormatError(`its description refers to ${name}, which is not in the package.`, {
      file,
      remedy: 'Download the package as one zip, which has all files.',
    });
  }
  if (name === '' || /^(?:\/|[A-Za-z]:)|(?:^|\/)\.\.(?:\/|$)/.test(name)) {
    throw new FormatError(`'${source}' leads out of the package.`, {
      file,
      remedy: 'Use a package from a source that you trust.',
    });
  }
  return name;
}
