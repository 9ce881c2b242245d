/** Texts: no view or state has one of its own, and every language has all of them, with the same values to fill in. */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { axisValues } from '../src/format.ts';
import { de } from '../src/text/de.ts';
import { en } from '../src/text/en.ts';

const SOURCES = fileURLToPath(new URL('../src', import.meta.url));
/** Attributes that are read to or by people. */
const READ = new Set(['title', 'alt', 'placeholder', 'label', 'aria-label', 'aria-valuetext', 'aria-description']);
/** Functions whose arguments people read. */
const SAYING = new Set(['note', 'say', 'offer', 'confirm', 'during']);
const hasWords = (words: string): boolean => /\p{L}{2}/u.test(words);

/** Words in a source file that people would read, with their lines. */
function wordsIn(name: string, source: string): readonly string[] {
  const file = ts.createSourceFile(name, source, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const note = (node: ts.Node, words: string): void => {
    if (hasWords(words)) found.push(`${name}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1} ${words}`);
  };
  /** The literal texts of an expression, whichever of them it becomes. */
  const literals = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) note(node, node.text);
    else if (ts.isTemplateExpression(node)) {
      note(node, [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join(' '));
    } else if (ts.isConditionalExpression(node)) {
      literals(node.whenTrue);
      literals(node.whenFalse);
    } else if (ts.isBinaryExpression(node)) {
      if (node.operatorToken.kind === ts.SyntaxKind.PlusToken) literals(node.left);
      literals(node.right);
    }
  };
  const visit = (node: ts.Node): void => {
    if (ts.isJsxText(node)) note(node, node.text);
    else if (ts.isJsxAttribute(node) && READ.has(node.name.getText())) {
      const value = node.initializer;
      if (value !== undefined) literals(ts.isJsxExpression(value) ? (value.expression ?? value) : value);
    } else if (ts.isJsxExpression(node) && !ts.isJsxAttribute(node.parent) && node.expression !== undefined) {
      literals(node.expression);
    } else if (ts.isCallExpression(node)) {
      const called = ts.isPropertyAccessExpression(node.expression) ? node.expression.name : node.expression;
      if (SAYING.has(called.getText())) for (const argument of node.arguments) literals(argument);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** What a catalogue is made of: the paths of its texts, and of functions how many values they take. */
function shapeOf(value: unknown, path = ''): readonly string[] {
  if (typeof value === 'function') return [`${path}(${value.length})`];
  if (Array.isArray(value)) return value.flatMap((item, i) => shapeOf(item, `${path}[${i}]`));
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([key, item]) => shapeOf(item, `${path}.${key}`));
  return [path];
}

/** What functions of a catalogue make of numbered values: which of them appear, each by its number. */
function filled(value: unknown, path = ''): readonly string[] {
  if (typeof value === 'function') {
    const marks = Array.from({ length: value.length }, (_, i) => 70_001 + i);
    const texts = [marks, marks.map(String), marks.map(() => (id: string) => id)].map((values) => {
      try {
        return String(value(...values)).replaceAll(/[.,\s]/g, '');
      } catch {
        return '';
      }
    });
    return marks.map((mark, i) => `${path}(${i}): ${texts.some((text) => text.includes(String(mark)))}`);
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => filled(item, `${path}.${key}`));
}

describe('texts', () => {
  it('are found where they should not be', () => {
    const words = wordsIn(
      'a.tsx',
      `const A = () => <p title="Hallo">Two words{x ? 'of its own' : ''}</p>; note(\`Gone \${x}\`);`,
    );
    expect(words).toHaveLength(4);
    expect(wordsIn('b.tsx', 'const B = () => <p class="row" title={text.close}>{text.a} × {n}</p>')).toEqual([]);
  });

  it('are in the catalogue alone', () => {
    const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter(
      (name) => /\.tsx?$/.test(name) && !name.startsWith('text'),
    );
    expect(files.length).toBeGreaterThan(50);
    expect(files.flatMap((name) => wordsIn(name, readFileSync(`${SOURCES}/${name}`, 'utf8')))).toEqual([]);
  });

  it('are the same in German: keys, and values that are filled in', () => {
    expect(shapeOf(de)).toEqual(shapeOf(en));
    expect(filled(de)).toEqual(filled(en));
  });

  it('are translated', () => {
    const leaves = (value: unknown, path = ''): readonly (readonly [string, string])[] =>
      typeof value === 'string'
        ? [[path, value]]
        : typeof value === 'object' && value !== null
          ? Object.entries(value).flatMap(([key, item]) => leaves(item, `${path}.${key}`))
          : [];
    const english = new Map(leaves(en));
    const same = leaves(de).filter(([path, words]) => english.get(path) === words && words.split(' ').length > 2);
    expect(same).toEqual([]);
  });
});

it('says in German what other programs did to the files of a project; of all else what the engine says', () => {
  const found = { message: 'another program wrote this file.', code: 'labels-elsewhere', file: 'labels/a.tif' };
  const said = de.problem({ ...found, own: 'labels/a-2.tif' });
  expect(said).toMatchObject({ file: 'labels/a.tif', remedy: expect.stringContaining('„labels/a-2.tif“') });
  expect(said.message).toContain('Was hier gemalt wird, steht in „labels/a-2.tif“');
  const other = { ...found, code: 'dataset' };
  expect([de.problem(other), en.problem(found)]).toEqual([other, found]);
});

it('names values of an axis so that they differ', () => {
  expect(axisValues([0, 5, 10])).toEqual(['0', '5', '10']);
  expect(axisValues([0.682, 0.6825, 0.683, 0.6835])).toEqual(['0.682', '0.6825', '0.683', '0.6835']);
  expect(axisValues([12_345.2, 12_345.4])).toEqual(['12,345.2', '12,345.4']);
  expect(axisValues([0.5])).toEqual(['0.5']);
});
