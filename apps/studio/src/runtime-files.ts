/** ONNX Runtime's files beside the page for a device, by their paths: a GPU that is lost is left for the CPU. */
export const runtimeFiles = (device: unknown): readonly string[] =>
  [...(device === 'webgpu' ? ['.asyncify'] : []), ''].flatMap((form) =>
    ['mjs', 'wasm'].map((extension) => `ort/ort-wasm-simd-threaded${form}.${extension}`),
  );
