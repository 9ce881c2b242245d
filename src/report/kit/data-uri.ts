/** Bytes as characters, in pieces that a call takes as arguments. */
const PIECE = 1 << 13;

/** A file within a page: `data:image/png;base64,...`. */
export function toDataUri(bytes: Uint8Array, mediaType: string): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += PIECE) binary += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  return `data:${mediaType};base64,${btoa(binary)}`;
}
