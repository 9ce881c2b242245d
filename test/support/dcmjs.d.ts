/** The part of dcmjs that the tests use. */
declare module 'dcmjs' {
  interface Read {
    readonly dict: unknown;
    readonly meta: unknown;
  }
  const dcmjs: {
    readonly data: {
      readonly DicomMessage: { readFile(bytes: ArrayBuffer): Read };
      /** Elements by their keywords; sequences of one item as that item. */
      readonly DicomMetaDictionary: { naturalizeDataset(dict: unknown): unknown };
      /** A byte of 0 or 1 for each bit. */
      readonly BitArray: { unpack(bits: ArrayBuffer): ArrayLike<number> };
    };
  };
  export default dcmjs;
}
