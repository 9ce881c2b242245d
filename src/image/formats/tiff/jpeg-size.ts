/** What the frame header of a JPEG stream says of its size; undefined when it has none. */
export function jpegSize(jpeg: Uint8Array): { width: number; height: number; components: number } | undefined {
  let at = 2;
  while (at + 9 < jpeg.length && jpeg[at] === 0xff) {
    const marker = jpeg[at + 1];
    const uint16 = (offset: number) => (jpeg[offset] << 8) | jpeg[offset + 1];
    // Start of frame, all coding processes; C4, C8 and CC are other things.
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      return { height: uint16(at + 5), width: uint16(at + 7), components: jpeg[at + 9] };
    }
    at += marker === 0xff ? 1 : 2 + uint16(at + 2);
  }
  return undefined;
}
