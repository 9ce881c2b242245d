import { describe, expect, it } from 'vitest';
import { chartFigure } from '../../src/report/kit/chart.ts';
import { svgDocument } from '../../src/report/kit/svg-document.ts';

const SVG = 'http://www.w3.org/2000/svg';

describe('the document of charts', () => {
  it('gives elements in their order, with what they were given', () => {
    const document = svgDocument();
    const svg = document.createElementNS(SVG, 'svg');
    svg.setAttribute('width', 10);
    svg.style = 'overflow:visible';
    svg.style.setProperty('font-size', '12px');
    const last = svg.appendChild(document.createElementNS(SVG, 'g'));
    svg.insertBefore(document.createElementNS(SVG, 'path'), last);
    svg.appendChild(document.createElementNS(SVG, 'rect')).setAttribute('x', 1);
    svg.removeChild(last);
    expect(svg.outerHTML).toBe(
      '<svg width="10" style="overflow:visible;font-size:12px"><path></path><rect x="1"></rect></svg>',
    );
    svg.removeAttribute('width');
    svg.style.removeProperty('font-size');
    svg.textContent = 'all else is gone';
    expect(svg.outerHTML).toBe('<svg style="overflow:visible">all else is gone</svg>');
  });

  it('has an element in one place only', () => {
    const document = svgDocument();
    const [one, two] = [document.createElementNS(SVG, 'g'), document.createElementNS(SVG, 'g')];
    const path = one.appendChild(document.createElementNS(SVG, 'path'));
    two.appendChild(path);
    expect([one.outerHTML, two.outerHTML, path.parentNode]).toEqual(['<g></g>', '<g><path></path></g>', two]);
  });

  it('keeps text and attributes from becoming markup', () => {
    const svg = svgDocument().createElementNS(SVG, 'text');
    svg.setAttribute('title', '"><script>');
    svg.append('<b> & ', svgDocument().createTextNode('"c"'));
    expect(svg.outerHTML).toBe('<text title="&quot;&gt;&lt;script&gt;">&lt;b&gt; &amp; &quot;c&quot;</text>');
    expect(svg.textContent).toBe('<b> & "c"');
  });

  it('refuses styles by property, which it would lose', () => {
    const { style } = svgDocument().createElementNS(SVG, 'g') as unknown as { style: Record<string, string> };
    expect(() => {
      style.fontSize = '12px';
    }).toThrow(TypeError);
  });

  it('is what Observable Plot draws an axis on', () => {
    const { html } = chartFigure('a < b', { x: { domain: [0, 1], label: 'µm' }, width: 200, height: 60 });
    expect(html).toMatch(/^<figure class="chart"><svg class="plot-[^"]+" fill="currentColor"/);
    expect(html).toContain('aria-label="a &lt; b"');
    expect(html).toContain('style="font-size:12px;background:transparent;overflow:visible"');
    expect([...html.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, text]) => text)).toEqual(
      expect.arrayContaining(['0.0', '1.0', 'µm →']),
    );
  });
});
