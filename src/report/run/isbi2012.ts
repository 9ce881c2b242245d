/** Whether images are those of the ISBI 2012 challenge, so that its published scores are comparable. */

import { crc32 } from '../../array/crc32.ts';

/** CRC-32 of the pixels of training slices 0 to 23 (512 x 512, 8-bit, row by row). */
const SLICES = new Set([
  0x74052b43, 0x794fb2b7, 0x8d697f00, 0x39231f0e, 0x19819911, 0xecfdd2a7, 0xdd088b65, 0xc9cac848, 0xf11baf2a,
  0x913a883a, 0x9ebd5f02, 0xe7ff33b0, 0x36d6ce05, 0xb008b310, 0xf39817b4, 0x8e34cfb3, 0x5b280104, 0xddb8f651,
  0x952e4036, 0x1972987e, 0x617042ce, 0xce6cfe9c, 0xff3219a2, 0xdd1423ca,
]);

/** Whether most images are slices of the challenge, by their pixels. */
export function isIsbi2012(pages: readonly { readonly data: unknown }[]): boolean {
  const known = pages.filter(({ data }) => data instanceof Uint8Array && SLICES.has(crc32(data)));
  return known.length > pages.length / 2;
}
