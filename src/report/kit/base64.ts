const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Base64 (RFC 4648) with padding. The core has neither btoa nor Buffer. */
export function base64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let start = 0; start < bytes.length; start += 3072) {
    let text = '';
    const end = Math.min(bytes.length, start + 3072);
    for (let i = start; i < end; i += 3) {
      const left = end - i;
      const word =
        ((bytes[i] as number) << 16) |
        (left > 1 ? (bytes[i + 1] as number) << 8 : 0) |
        (left > 2 ? (bytes[i + 2] as number) : 0);
      text += ALPHABET[word >> 18];
      text += ALPHABET[(word >> 12) & 63];
      text += left > 1 ? ALPHABET[(word >> 6) & 63] : '=';
      text += left > 2 ? ALPHABET[word & 63] : '=';
    }
    parts.push(text);
  }
  return parts.join('');
}
