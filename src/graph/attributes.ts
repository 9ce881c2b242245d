/** Every operation by name, with the type of its attributes. */

/** Filled by ops/table.ts from the families in ops/, where the attributes of an op are declared beside its row. */
// biome-ignore lint/suspicious/noEmptyInterface: it is augmented
export interface AttributesOf {}

export type OpName = keyof AttributesOf;

/** An op without attributes takes exactly the empty object. */
// biome-ignore lint/complexity/noBannedTypes: see above
export type NoAttributes = {};

/** How an attribute is written in a file. */
export type AttributeKind = 'int' | 'ints' | 'float' | 'string' | 'tensor' | 'dtype';
