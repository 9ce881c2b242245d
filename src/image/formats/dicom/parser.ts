/**
 * The elements of DICOM files (PS3.5, chapter 7): in both byte orders, with and without stated value representations,
 * nested, and with pixels in fragments.
 */

import { strFromU8 } from 'fflate';
import { inflateRaw } from '../../inflate.ts';
import { hasPreamble, LONG_VRS, letters, syntaxAt } from './detect.ts';

export interface Element {
  /** `x7fe00010`: group and element. */
  readonly tag: string;
  /** If the file states it. */
  readonly vr?: string;
  length: number;
  readonly dataOffset: number;
  items?: readonly Item[];
  /** If the pixels are compressed. */
  encapsulatedPixelData?: boolean;
  basicOffsetTable?: readonly number[];
  fragments?: readonly Fragment[];
}

interface Item {
  readonly dataSet: DataSet;
}

/** `offset` counts from the first byte of the first fragment's item, as the offset table does. */
interface Fragment {
  readonly offset: number;
  readonly position: number;
  readonly length: number;
}

/** The syntax of files that state none. */
const IMPLICIT = '1.2.840.10008.1.2';
const BIG_ENDIAN = '1.2.840.10008.1.2.2';
const DEFLATED = '1.2.840.10008.1.2.1.99';

const PIXELS = 'x7fe00010';
const ITEM = 'xfffee000';
const ITEM_END = 'xfffee00d';
const SEQUENCE_END = 'xfffee0dd';
/** A length that is not stated: the end is marked. */
const UNDEFINED = 0xffffffff;

/** The elements of a file, or of an item within it. */
export class DataSet {
  readonly elements: { [tag: string]: Element | undefined } = {};
  readonly #reader: ElementReader;

  constructor(reader: ElementReader) {
    this.#reader = reader;
  }

  /** The whole file, inflated; offsets of elements count from its start. */
  get byteArray(): Uint8Array {
    return this.#reader.bytes;
  }

  get transferSyntax(): string {
    return this.#reader.syntax;
  }

  uint16(tag: string, index = 0): number | undefined {
    return this.#number(tag, (view, at, little) => view.getUint16(at + 2 * index, little));
  }

  int16(tag: string): number | undefined {
    return this.#number(tag, (view, at, little) => view.getInt16(at, little));
  }

  uint32(tag: string, index = 0): number | undefined {
    return this.#number(tag, (view, at, little) => view.getUint32(at + 4 * index, little));
  }

  int32(tag: string): number | undefined {
    return this.#number(tag, (view, at, little) => view.getInt32(at, little));
  }

  /** The tag that an element points to, `x00200032`. */
  attributeTag(tag: string): string | undefined {
    const element = this.elements[tag];
    return element?.length === 4 ? this.#reader.tagAt(element.dataOffset) : undefined;
  }

  /** Latin letters up to a NUL, trimmed; several values are separated by backslashes. */
  string(tag: string): string | undefined {
    const element = this.elements[tag];
    if (element === undefined || element.length === 0) return undefined;
    const { dataOffset, length } = element;
    const bytes = this.byteArray.subarray(dataOffset, dataOffset + length);
    const end = bytes.indexOf(0);
    return strFromU8(end < 0 ? bytes : bytes.subarray(0, end), true).trim();
  }

  /** The first number of a decimal string. */
  floatString(tag: string): number | undefined {
    const text = this.string(tag);
    return text === undefined ? undefined : Number.parseFloat(text.split('\\', 1)[0] as string);
  }

  intString(tag: string): number | undefined {
    const text = this.string(tag);
    return text === undefined ? undefined : Number.parseInt(text.split('\\', 1)[0] as string, 10);
  }

  #number(tag: string, read: (view: DataView, at: number, little: boolean) => number): number | undefined {
    const element = this.elements[tag];
    const { view, little } = this.#reader;
    return element === undefined || element.length === 0 ? undefined : read(view, element.dataOffset, little);
  }
}

/** What is no DICOM, or ends early, with what was read before. */
export class DamagedDicom extends Error {
  override readonly name = 'DamagedDicom';
  readonly dataSet: DataSet | undefined;

  constructor(message: string, { dataSet, cause }: { readonly dataSet?: DataSet; readonly cause?: unknown } = {}) {
    super(message, { cause });
    this.dataSet = dataSet;
  }
}

class ElementReader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly syntax: string;
  readonly little: boolean;
  at: number;

  constructor(bytes: Uint8Array, at: number, syntax: string) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
    this.syntax = syntax;
    this.little = syntax !== BIG_ENDIAN;
  }

  tagAt(at: number): string {
    const [group, element] = [this.view.getUint16(at, this.little), this.view.getUint16(at + 2, this.little)];
    return `x${(group * 0x10000 + element).toString(16).padStart(8, '0')}`;
  }

  /** Elements up to a position, or to the first of `until`, of which the value is not read. */
  readTo(end: number, { elements }: DataSet, isExplicit: boolean, until: readonly string[] = []): void {
    if (end > this.bytes.length) throw new DamagedDicom('An item ends after the file.');
    while (this.at < end) {
      const element = this.#element(isExplicit, until);
      elements[element.tag] = element;
      if (until.includes(element.tag)) return;
    }
    if (this.at > end && isExplicit) throw new DamagedDicom('An element ends after what it is in.');
  }

  /** One element, of a stated representation. */
  readNext({ elements }: DataSet): void {
    const element = this.#element(true);
    elements[element.tag] = element;
  }

  #element(isExplicit: boolean, until: readonly string[] = []): Element {
    const tag = this.#tag();
    const vr = isExplicit ? letters(this.bytes, this.at, 2) : undefined;
    if (vr !== undefined) this.at += LONG_VRS.has(vr) ? 4 : 2;
    const length =
      vr === undefined || LONG_VRS.has(vr) ? this.#uint32() : this.view.getUint16(this.#skip(2), this.little);
    const element: Element = { tag, ...(vr !== undefined && { vr }), length, dataOffset: this.at };
    if (until.includes(tag)) return element;
    if (vr === 'SQ') element.items = this.#items(element, true);
    else if (vr === undefined && this.#isSequence(element)) {
      const items = this.#items(element, false);
      if (!isPrivate(tag)) element.items = items;
    } else if (length !== UNDEFINED) this.at += length;
    else if (isExplicit && tag === PIXELS) this.#fragments(element);
    // Of an unknown representation, it is a sequence without stated ones (PS3.5, 6.2.2).
    else if (vr === 'UN') element.items = this.#items(element, false);
    else this.#seekItemEnd(element);
    return element;
  }

  /** Without a dictionary, a sequence is what begins as one; private ones are read only to find their end. */
  #isSequence({ tag, length }: Element): boolean {
    if (this.at + 4 > this.bytes.length) return false;
    const next = this.tagAt(this.at);
    return (next === ITEM || next === SEQUENCE_END) && (length === UNDEFINED || !isPrivate(tag));
  }

  #items(sequence: Element, isExplicit: boolean): readonly Item[] {
    const { dataOffset, length } = sequence;
    const isOpen = length === UNDEFINED;
    const items: Item[] = [];
    while (isOpen ? this.at + 4 <= this.bytes.length : this.at < dataOffset + length) {
      if (isOpen && this.tagAt(this.at) === SEQUENCE_END) {
        sequence.length = this.at - dataOffset;
        this.at += 8;
        return items;
      }
      items.push({ dataSet: this.#item(isExplicit) });
    }
    sequence.length = this.at - dataOffset;
    return items;
  }

  #item(isExplicit: boolean): DataSet {
    if (this.#tag() !== ITEM) throw new DamagedDicom('A sequence lacks an item.');
    const length = this.#uint32();
    const item = new DataSet(this);
    if (length !== UNDEFINED) this.readTo(this.at + length, item, isExplicit);
    else {
      while (this.at < this.bytes.length && this.tagAt(this.at) !== ITEM_END) {
        const element = this.#element(isExplicit);
        item.elements[element.tag] = element;
      }
      if (this.at < this.bytes.length) this.at += 8;
    }
    return item;
  }

  /** Compressed pixels: a table of offsets, and fragments up to the end of the sequence or of the file (PS3.5, A.4). */
  #fragments(element: Element): void {
    if (this.#tag() !== ITEM) throw new DamagedDicom('Compressed pixels lack their table of offsets.');
    const table: number[] = [];
    for (const end = this.#uint32() + this.at; this.at < end; ) table.push(this.#uint32());
    const fragments: Fragment[] = [];
    const start = this.at;
    while (this.at < this.bytes.length) {
      const tag = this.#tag();
      const stated = this.#uint32();
      if (tag === SEQUENCE_END) break;
      // Whatever is no item is the last.
      const length = tag === ITEM ? stated : Math.min(stated, this.bytes.length - this.at);
      fragments.push({ offset: this.at - start - 8, position: this.at, length });
      this.at += length;
      if (tag !== ITEM) break;
    }
    element.length = this.at - element.dataOffset;
    Object.assign(element, { encapsulatedPixelData: true, basicOffsetTable: table, fragments });
  }

  /** A value of no stated length ends with the mark of items, or with the file. */
  #seekItemEnd(element: Element): void {
    while (this.at + 8 <= this.bytes.length && this.tagAt(this.at) !== ITEM_END) this.at += 2;
    this.at = Math.min(this.at + 8, this.bytes.length);
    element.length = this.at - element.dataOffset;
  }

  #tag(): string {
    return this.tagAt(this.#skip(4));
  }

  #uint32(): number {
    return this.view.getUint32(this.#skip(4), this.little);
  }

  #skip(count: number): number {
    this.at += count;
    return this.at - count;
  }
}

/** Whether the group is odd. */
const isPrivate = (tag: string): boolean => Number.parseInt(tag.slice(1, 5), 16) % 2 === 1;

/**
 * Parses a DICOM file, with or without its preamble, and with or without the elements that state its syntax.
 * @param until parsing ends with the first of these elements; default: with the file
 * @param maxBytes maximum size of the inflated file
 * @throws DamagedDicom, for truncated files with what was read
 */
export function parseElements(
  bytes: Uint8Array,
  { until, maxBytes }: { readonly until?: readonly string[] | undefined; readonly maxBytes: number },
): DataSet {
  let dataSet: DataSet | undefined;
  try {
    const { syntax, end } = metaOf(bytes);
    const whole = syntax === DEFLATED ? inflatedFrom(bytes, end, maxBytes) : bytes;
    const reader = new ElementReader(whole, end, syntax);
    dataSet = new DataSet(reader);
    reader.readTo(whole.length, dataSet, syntax !== IMPLICIT, until);
    return dataSet;
  } catch (cause) {
    throw new DamagedDicom(cause instanceof Error ? cause.message : String(cause), { dataSet, cause });
  }
}

/** The transfer syntax, and where the elements of group 2 end, which state it. */
function metaOf(bytes: Uint8Array): { readonly syntax: string; readonly end: number } {
  const meta = new ElementReader(bytes, hasPreamble(bytes) ? 132 : letters(bytes, 0, 4) === 'DICM' ? 4 : 0, '');
  const group = new DataSet(meta);
  while (meta.at + 12 <= bytes.length && meta.tagAt(meta.at).startsWith('x0002')) meta.readNext(group);
  const syntax = group.string('x00020010') || syntaxAt(bytes, meta.at);
  if (syntax === undefined) throw new DamagedDicom('The transfer syntax is not stated.');
  return { syntax, end: meta.at };
}

/** The file with what is deflated from a byte on inflated. */
function inflatedFrom(bytes: Uint8Array, at: number, maxBytes: number): Uint8Array {
  const rest = inflateRaw(bytes.subarray(at), maxBytes);
  const whole = new Uint8Array(at + rest.length);
  whole.set(bytes.subarray(0, at));
  whole.set(rest, at);
  return whole;
}

/** A text: in UTF-8 where its file says so (`ISO_IR 192`), otherwise by Latin letters; undefined if it is empty. */
export function textIn(dataSet: DataSet, tag: string, isUnicode: boolean): string | undefined {
  const element = dataSet.elements[tag];
  if (!isUnicode || element === undefined) return dataSet.string(tag) || undefined;
  const { dataOffset, length } = element;
  const text = new TextDecoder().decode(dataSet.byteArray.subarray(dataOffset, dataOffset + length));
  // Some writers pad with NUL, which ends a text.
  return text.split('\0', 1)[0]?.trim() || undefined;
}

/** Whether the texts of a file are in UTF-8. */
export const isUnicode = (dataSet: DataSet): boolean => dataSet.string('x00080005') === 'ISO_IR 192';
