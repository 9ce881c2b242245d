/** Characters per call: calls limit the number of arguments. */
const PIECE = 1 << 13;

/** An embedded file: `data:image/png;base64,...`. */
export function toDataUri(bytes: Uint8Array, mediaType: string): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += PIECE) binary += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  return `data:${mediaType};base64,${btoa(binary)}`;
}
