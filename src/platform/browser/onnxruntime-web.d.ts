declare module 'onnxruntime-web/ort-wasm-simd-threaded.mjs' {
  const start: import('./web-assembly.ts').StartWasm;
  export default start;
}
