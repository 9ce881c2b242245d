/** JSON that other programs wrote. */

import { FormatError } from '../errors.ts';

export type Fields = { readonly [key: string]: unknown };

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Also behind a byte order mark. @throws FormatError for text that is cut off */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new FormatError('this is not JSON, or it is truncated.', {
      file,
      remedy: 'Copy the file again, or export it again.',
      cause,
    });
  }
}
