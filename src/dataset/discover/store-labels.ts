/**
 * Images with labels in their own store, and the other files.
 * @throws the error of `several` for an image with more than one
 */
export function pairStores(
  paths: readonly string[],
  several: (image: string, labels: readonly string[]) => Error,
): { readonly pairs: readonly { readonly image: string; readonly label: string }[]; readonly rest: readonly string[] } {
  const images = new Set(paths);
  const labels = new Map<string, string[]>();
  for (const path of paths) {
    const image = /^(.*\.zarr)\/labels\/.*\.zarr$/i.exec(path)?.[1];
    if (image !== undefined && images.has(image)) labels.set(image, [...(labels.get(image) ?? []), path]);
  }
  const pairs = [...labels].map(([image, own]) => {
    if (own.length > 1) throw several(image, own);
    return { image, label: own[0] };
  });
  const used = new Set(pairs.flatMap(({ image, label }) => [image, label]));
  return { pairs, rest: paths.filter((path) => !used.has(path)) };
}
