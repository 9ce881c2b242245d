/**
 * As much of a document as Observable Plot and d3-selection draw on: elements with attributes, styles and text, which
 * become SVG. There is neither a DOM in Node nor in a worker, and a whole one would be the largest part of a page that
 * draws charts.
 */

import { escapeHtml } from './markup.ts';

class SvgText {
  parentNode: SvgElement | null = null;
  textContent: string;

  constructor(text: string) {
    this.textContent = text;
  }

  get outerHTML(): string {
    return escapeHtml(this.textContent);
  }
}

interface SvgStyle {
  setProperty(name: string, value: unknown): void;
  removeProperty(name: string): void;
}

type SvgNode = SvgElement | SvgText;

class SvgElement {
  readonly ownerDocument: SvgDocument;
  readonly namespaceURI: string;
  readonly tagName: string;
  readonly childNodes: SvgNode[] = [];
  parentNode: SvgElement | null = null;
  readonly #attributes = new Map<string, string>();
  readonly #styles = new Map<string, string>();
  /** By name only: `style.fontSize = ...` throws, rather than being lost. */
  readonly #style: SvgStyle = Object.freeze({
    setProperty: (name: string, value: unknown): void => void this.#styles.set(name, String(value)),
    removeProperty: (name: string): void => void this.#styles.delete(name),
  });

  constructor(ownerDocument: SvgDocument, namespaceURI: string, tagName: string) {
    this.ownerDocument = ownerDocument;
    this.namespaceURI = namespaceURI;
    this.tagName = tagName;
  }

  get style(): SvgStyle {
    return this.#style;
  }

  set style(text: string) {
    this.setAttribute('style', text);
  }

  setAttribute(name: string, value: unknown): void {
    this.#attributes.set(name, String(value));
  }

  /** Names keep their prefix. */
  setAttributeNS(_namespace: string, name: string, value: unknown): void {
    this.setAttribute(name, value);
  }

  getAttribute(name: string): string | null {
    return this.#attributes.get(name) ?? null;
  }

  hasAttribute(name: string): boolean {
    return this.#attributes.has(name);
  }

  removeAttribute(name: string): void {
    this.#attributes.delete(name);
  }

  get firstChild(): SvgNode | null {
    return this.childNodes[0] ?? null;
  }

  appendChild<N extends SvgNode>(node: N): N {
    return this.insertBefore(node, null);
  }

  /** @param next null: at the end */
  insertBefore<N extends SvgNode>(node: N, next: SvgNode | null): N {
    node.parentNode?.removeChild(node);
    const at = next === null ? this.childNodes.length : this.childNodes.indexOf(next);
    this.childNodes.splice(at, 0, node);
    node.parentNode = this;
    return node;
  }

  append(...nodes: readonly (SvgNode | string)[]): void {
    for (const node of nodes) this.appendChild(typeof node === 'string' ? new SvgText(node) : node);
  }

  removeChild<N extends SvgNode>(node: N): N {
    this.childNodes.splice(this.childNodes.indexOf(node), 1);
    node.parentNode = null;
    return node;
  }

  get textContent(): string {
    return this.childNodes.map(({ textContent }) => textContent).join('');
  }

  set textContent(text: unknown) {
    for (const node of [...this.childNodes]) this.removeChild(node);
    if (text !== '' && text !== null && text !== undefined) this.append(String(text));
  }

  get outerHTML(): string {
    const styles = [...this.#styles].map(([name, value]) => `${name}:${value}`).join(';');
    const attributes = new Map(this.#attributes);
    if (styles !== '') attributes.set('style', [attributes.get('style'), styles].filter(Boolean).join(';'));
    const opening = [this.tagName, ...Array.from(attributes, ([name, value]) => `${name}="${escapeHtml(value)}"`)].join(
      ' ',
    );
    return `<${opening}>${this.childNodes.map(({ outerHTML }) => outerHTML).join('')}</${this.tagName}>`;
  }
}

class SvgDocument {
  readonly documentElement = this.createElementNS('http://www.w3.org/1999/xhtml', 'html');

  createElement(name: string): SvgElement {
    return this.createElementNS(this.documentElement.namespaceURI, name);
  }

  createElementNS(namespace: string, name: string): SvgElement {
    return new SvgElement(this, namespace, name);
  }

  createTextNode(text: string): SvgText {
    return new SvgText(text);
  }
}

export const svgDocument = (): SvgDocument => new SvgDocument();
