import { linearScale, niceInterval, type Scale } from 'lamella/studio';
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { axisValues } from '../format.ts';
import type { CurvePoint } from '../state/training.ts';
import { text } from '../text/text.ts';

interface Props {
  /** What it shows, for those who do not see it. */
  readonly label: string;
  readonly points: readonly CurvePoint[];
  readonly colour: 'accent' | 'muted';
}

const HEIGHT = 120;
const [RIGHT, TOP, BOTTOM] = [10, 8, 22];
/** Room for values: at least, and of a letter. */
const [LEFT, LETTER] = [46, 7];
/** Fewer values are shown as points as well. */
const FEW = 40;
const TICKS = { x: 4, y: 3 } as const;

/** A curve over steps. */
export function Chart({ label, points, colour }: Props): JSX.Element {
  const holder = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = holder.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const curve = useMemo(() => (width > 0 ? <Curve points={points} width={width} /> : undefined), [points, width]);
  return (
    <div ref={holder} class={`chart ${colour}`} role="img" aria-label={label}>
      {curve}
    </div>
  );
}

function Curve({ points, width }: { readonly points: readonly CurvePoint[]; readonly width: number }): JSX.Element {
  const [right, bottom] = [width - RIGHT, HEIGHT - BOTTOM];
  const [firstStep, lastStep] = [points[0]?.step ?? 0, points.at(-1)?.step ?? 1];
  const values = points.map(({ value }) => value);
  const [low, high] = values.reduce(
    ([least, most], value) => [Math.min(least, value), Math.max(most, value)] as const,
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] as const,
  );
  const y = linearScale(low <= high ? niceInterval([low, high], TICKS.y) : [0, 1], [bottom, TOP]);
  const ticks = y.ticks(TICKS.y);
  const names = axisValues(ticks);
  const left = Math.max(LEFT, ...names.map(({ length }) => LETTER * (length + 2)));
  const x = linearScale([firstStep, lastStep], [left, right]);
  const shown = columns(points, x);
  const path = shown.map(({ step, value }, i) => `${i === 0 ? 'M' : 'L'}${pixel(x.at(step))},${pixel(y.at(value))}`);
  return (
    <svg width={width} height={HEIGHT} aria-hidden="true">
      {ticks.map((value, i) => (
        <g key={value}>
          <line class="grid" x1={left} x2={right} y1={y.at(value)} y2={y.at(value)} />
          <text x={left - 6} y={y.at(value)} dy="0.32em" text-anchor="end">
            {names[i]}
          </text>
        </g>
      ))}
      {x
        .ticks(TICKS.x)
        .filter(Number.isInteger)
        .map((step) => (
          <text key={step} x={x.at(step)} y={HEIGHT - 6} text-anchor="middle">
            {text.number(step)}
          </text>
        ))}
      <path d={path.join('')} />
      {shown.length < FEW &&
        shown.map(({ step, value }) => <circle key={step} cx={x.at(step)} cy={y.at(value)} r="2" />)}
    </svg>
  );
}

const pixel = (value: number): number => Math.round(10 * value) / 10;

/** Of many points in one column of pixels, the least and the greatest, in their order. */
function columns(points: readonly CurvePoint[], x: Scale): readonly CurvePoint[] {
  const found: CurvePoint[] = [];
  for (let from = 0, to = 0; from < points.length; from = to) {
    const column = Math.floor(x.at((points[from] as CurvePoint).step));
    let [least, most] = [from, from];
    for (to = from; to < points.length && Math.floor(x.at((points[to] as CurvePoint).step)) === column; to++) {
      const { value } = points[to] as CurvePoint;
      if (value < (points[least] as CurvePoint).value) least = to;
      if (value > (points[most] as CurvePoint).value) most = to;
    }
    for (const i of new Set([Math.min(least, most), Math.max(least, most)])) found.push(points[i] as CurvePoint);
  }
  return found;
}
