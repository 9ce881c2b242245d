import { describe, expect, it } from 'vitest';
import { boxes, dots, line, plot, rule, words } from '../../src/report/kit/plot.ts';
import { linearScale, logScale, nameScale, niceInterval } from '../../src/report/kit/scales.ts';
import { lineChart } from '../../src/report/run/charts.ts';

describe('scales', () => {
  it('name values at 1, 2 or 5 times a power of ten, written as people do', () => {
    expect(linearScale([0, 1], [0, 100]).ticks(5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(linearScale([0.13, 0.41], [0, 100]).ticks(6)).toEqual([0.15, 0.2, 0.25, 0.3, 0.35, 0.4]);
    expect(linearScale([-30, 1234], [0, 100]).ticks(6)).toEqual([0, 200, 400, 600, 800, 1000, 1200]);
    expect(linearScale([3, 3], [0, 100]).ticks(5)).toEqual([3]);
    expect(niceInterval([0.13, 0.41], 6)).toEqual([expect.closeTo(0.1), expect.closeTo(0.45)]);
  });

  it('place values between pixels, upwards as well', () => {
    const up = linearScale([0, 4], [200, 100]);
    expect([0, 1, 4].map(up.at)).toEqual([200, 175, 100]);
    expect(linearScale([3, 3], [0, 100]).at(3)).toBe(50);
    expect(logScale([1, 100], [0, 100]).at(10)).toBe(50);
    const rows = nameScale(['a', 'b'], [10, 30]);
    expect([rows.row, rows.at('a'), rows.at('b')]).toEqual([10, 15, 25]);
  });

  it('of logarithms name 1, 2 and 5 of a few powers, and powers of many', () => {
    expect(logScale([0.01, 1], [0, 1]).ticks(6)).toEqual([0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]);
    expect(logScale([1e-6, 1], [0, 1]).ticks(6)).toEqual([1e-6, 1e-4, 0.01, 1]);
    expect(logScale([3e9, 4e10], [0, 1]).ticks(5)).toEqual([5e9, 1e10, 2e10]);
    expect(logScale([0.3, 0.45], [0, 1]).ticks(4)).toEqual([0.3, 0.35, 0.4, 0.45]);
  });
});

describe('a chart', () => {
  const size = { width: 120, height: 80, marginLeft: 10, marginRight: 10, marginTop: 10, marginBottom: 20 };
  const drawn = (marks: Parameters<typeof plot>[1]['marks'], y: Parameters<typeof plot>[1]['y'] = { label: 'y' }) =>
    plot('a < b', { ...size, x: { label: 'µm' }, y, marks }).html;

  it('spans what is drawn, and has y upwards', () => {
    const points = [
      { x: 0, y: 1 },
      { x: 10, y: 3 },
    ];
    expect(drawn([line(points, { stroke: 'red' })])).toContain('stroke="red"><path d="M10,60L110,10"/>');
    expect(drawn([dots(points, { r: 2 })])).toContain('<circle cx="110" cy="10" r="2"/>');
    const bars = boxes(
      [
        { x: [0, 5], y: [0, 2] },
        { x: [5, 10], y: [0, 4], look: { fill: 'blue' } },
      ],
      1,
    );
    expect(drawn([bars])).toContain('<rect x="61" y="10" width="48" height="50" fill="blue"/>');
    expect(drawn([bars, rule({ x: 5 }, { stroke: 'grey' })])).toContain('<line x1="60" y1="10" x2="60" y2="60"/>');
  });

  it('keeps what is beyond a stated end at the end', () => {
    const high = drawn([dots([{ x: 0, y: 9 }], {})], { label: 'y', domain: [0, 1] });
    expect(high).toContain('<circle cx="60" cy="10" r="3"/>');
  });

  it('has a row for each name', () => {
    const html = drawn([dots([{ x: 1, y: 'second' }], {})], { names: ['first', 'second'] });
    expect(html).toContain('<circle cx="60" cy="47.5" r="3"/>');
    expect([...html.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, text]) => text)).toEqual([
      'first',
      'second',
      '1',
      'µm',
    ]);
  });

  it('keeps text and attributes from becoming markup', () => {
    const html = drawn([words({ x: 0, y: 0 }, '<b> & "c"', { fill: '"><script>' })]);
    expect(html).toContain('aria-label="a &lt; b"');
    expect(html).toContain('fill="&quot;&gt;&lt;script&gt;">&lt;b&gt; &amp; &quot;c&quot;</text>');
  });

  it('without anything to draw has axes', () => {
    expect(drawn([])).toContain('>µm</text>');
    expect(drawn([])).not.toMatch(/NaN|Infinity/);
  });
});

it('the label of a mark keeps off the axis and the names at the ends of lines', () => {
  const series = ['V-Rand', 'V-Info'].map((name, i) => ({
    name,
    points: [0, 50, 98, 100].map((step) => [step, 0.9 + 0.01 * i] as const),
  }));
  const anchorAt = (x: number): string | undefined => {
    const marks = [{ x, y: 0.9, label: '0.950', series: 0 }];
    const { html } = lineChart(series, { description: 'scores', x: 'Step', y: 'Score', marks });
    return /text-anchor="(\w+)"[^>]*>0\.950</.exec(html)?.[1];
  };
  expect([0, 50, 98, 100].map(anchorAt)).toEqual(['start', 'middle', 'end', 'end']);
});
