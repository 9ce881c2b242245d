import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { CurvePoint } from '../state/training.ts';

interface Props {
  /** What it shows, for those who do not see it. */
  readonly label: string;
  readonly points: readonly CurvePoint[];
  readonly colour: 'accent' | 'muted';
}

const HEIGHT = 120;
/** Fewer values are shown as points as well. */
const FEW = 40;

/** A curve over steps. */
export function Chart({ label, points, colour }: Props): JSX.Element {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(null);
  useEffect(() => {
    const element = holder.current;
    if (element === null) return;
    const style = (name: string): string => getComputedStyle(element).getPropertyValue(`--${name}`).trim();
    const axis = {
      stroke: () => style('muted'),
      grid: { stroke: () => style('line'), width: 1 },
      ticks: { show: false },
    };
    const drawn = new UPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false, points: { size: 6 } },
        padding: [6, 8, 0, 0],
        scales: { x: { time: false } },
        axes: [
          { ...axis, size: 24, font: '11px system-ui', space: 60 },
          { ...axis, size: 44, font: '11px system-ui', space: 28 },
        ],
        series: [
          {},
          { stroke: () => style(colour), width: 1.5, points: { show: (_, __, first, last) => last - first < FEW } },
        ],
      },
      [[], []],
      element,
    );
    plot.current = drawn;
    const observer = new ResizeObserver(() => drawn.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    // Colours are read as it is drawn.
    const redraw = (): void => drawn.redraw();
    const theme = new MutationObserver(redraw);
    theme.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    const system = matchMedia('(prefers-color-scheme: dark)');
    system.addEventListener('change', redraw);
    return () => {
      observer.disconnect();
      theme.disconnect();
      system.removeEventListener('change', redraw);
      drawn.destroy();
    };
  }, [colour]);
  useEffect(() => {
    plot.current?.setData([points.map(({ step }) => step), points.map(({ value }) => value)]);
  }, [points]);
  return <div ref={holder} class="chart" role="img" aria-label={label} />;
}
