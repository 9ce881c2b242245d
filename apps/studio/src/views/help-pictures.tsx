/** A small drawing for each page of the help: three cells on a dark image, and what is done to them. */

import type { ComponentChildren, JSX } from 'preact';
import type { HelpTopic } from '../help-topics.ts';

/** Outlines of the cells, in a picture of 240 x 96. */
const LEFT = 'M30 34c12-14 34-14 42 0s4 32-12 36-36 0-40-12 2-16 10-24Z';
const MIDDLE = 'M104 26c14-10 34-6 40 8s-2 32-18 36-30-4-32-20 2-18 10-24Z';
const RIGHT = 'M176 36c12-12 32-10 38 4s-2 30-16 32-30-2-32-16 4-14 10-20Z';
const CELLS = [LEFT, MIDDLE, RIGHT];

/** One cell, drawn large, in the left or the right half. */
const LARGE = 'M34 30c20-18 46-14 54 6s-4 40-28 44-44-8-46-24 10-18 20-26Z';

const Cells = ({ painted = [] }: { readonly painted?: readonly ('a' | 'b' | 'c' | undefined)[] }): JSX.Element => (
  <>
    {CELLS.map((d, i) => (
      <path key={d} class={`cell ${painted[i] ?? ''}`} d={d} />
    ))}
  </>
);

const Brush = ({ x, y, r = 11 }: { readonly x: number; readonly y: number; readonly r?: number }): JSX.Element => (
  <circle class="cursor" cx={x} cy={y} r={r} />
);

/** Before at the left, afterwards at the right. */
const BeforeAfter = ({ before, after }: { before: ComponentChildren; after: ComponentChildren }): JSX.Element => (
  <>
    {before}
    <path class="line" d="M112 48h16m-6-6 6 6-6 6" />
    <g transform="translate(132 0)">{after}</g>
  </>
);

const Pointer = ({ x, y }: { readonly x: number; readonly y: number }): JSX.Element => (
  <path class="pointer" transform={`translate(${x} ${y})`} d="M0 0v15l4-4 3 6 2.5-1.2-3-6h5.5Z" />
);

export const HELP_PICTURES: { readonly [topic in HelpTopic]: JSX.Element } = {
  begin: (
    <>
      <Cells painted={['a']} />
      <path class="stroke a" d="M112 46c8-6 14 4 20 0" />
      <path class="stroke b" d="M84 84h60" />
      <Brush x={132} y={46} />
    </>
  ),
  unknown: (
    <>
      <Cells painted={['a', 'a']} />
      <rect class="dashed" x="12" y="12" width="142" height="72" rx="2" />
    </>
  ),
  kept: (
    <>
      <path class="line" d="M92 24h44l12 12v36h-56ZM104 24v14h26V24M104 72V54h32v18" />
      <path class="line good" d="m168 50 8 8 16-18" />
    </>
  ),
  keyboard: (
    <>
      <Cells />
      <path class="line" d="M124 8v80M60 48h128" />
      <Brush x={124} y={48} />
    </>
  ),
  brush: (
    <>
      <Cells />
      <path class="stroke a" d="M36 50c10-14 18 12 26-4" />
      <path class="stroke a" d="M112 44c8-6 14 8 20 0" />
      <Brush x={132} y={44} />
    </>
  ),
  eraser: (
    <>
      <Cells painted={['a', 'a', 'a']} />
      <path class="stroke erased" d="M96 74 140 36" />
      <Brush x={140} y={36} />
    </>
  ),
  polygon: (
    <BeforeAfter
      before={
        <>
          <path class="cell" d={LARGE} />
          <path class="line" d="M34 30 66 20 90 44 64 78" />
          {[34, 66, 90, 64].map((x, i) => (
            <rect key={x} class="corner" x={x - 3} y={[27, 17, 41, 75][i]} width="6" height="6" />
          ))}
          <Pointer x={64} y={78} />
        </>
      }
      after={<path class="cell a" d="M34 30 66 20 90 44 64 78 22 70 14 50Z" />}
    />
  ),
  fill: (
    <BeforeAfter
      before={
        <>
          <path class="cell" d={LARGE} />
          <Pointer x={48} y={44} />
        </>
      }
      after={<path class="cell a" d={LARGE} />}
    />
  ),
  wand: (
    <>
      <clipPath id="wand-cell">
        <path d={MIDDLE} />
      </clipPath>
      <Cells />
      <circle class="area a" cx="116" cy="46" r="24" clip-path="url(#wand-cell)" />
      <Brush x={116} y={46} r={24} />
    </>
  ),
  region: (
    <>
      <Cells painted={['a', 'a']} />
      <rect class="dashed" x="12" y="14" width="146" height="68" rx="2" />
      <Pointer x={158} y={82} />
    </>
  ),
  object: (
    <>
      <path class="cell a" d={LEFT} />
      <path class="cell b" transform="translate(-30 0)" d={MIDDLE} />
      <path class="cell c" transform="translate(-48 0)" d={RIGHT} />
      <Brush x={150} y={52} />
    </>
  ),
  select: (
    <>
      <Cells painted={['a', 'b', 'c']} />
      <path class="chosen" d={LEFT} />
      <path class="chosen" d={MIDDLE} />
      <rect class="dashed" x="12" y="12" width="146" height="72" />
      <Pointer x={158} y={84} />
    </>
  ),
  merge: (
    <BeforeAfter
      before={
        <>
          <path class="cell a" d="M14 56c0-14 8-20 20-26s20-12 22-8v58C34 82 16 70 14 56Z" />
          <path class="cell b" d="M56 22c16 0 28 4 32 14s-4 40-32 44Z" />
        </>
      }
      after={<path class="cell a" d={LARGE} />}
    />
  ),
  split: (
    <BeforeAfter
      before={
        <>
          <path class="cell a" d={LARGE} />
          <path class="line" d="M56 10v78" />
          <Pointer x={56} y={76} />
        </>
      }
      after={
        <>
          <path class="cell a" d="M14 56c0-14 8-20 20-26s20-12 22-8v58C34 82 16 70 14 56Z" />
          <path class="cell b" d="M56 22c16 0 28 4 32 14s-4 40-32 44Z" />
        </>
      }
    />
  ),
  pick: (
    <>
      <Cells painted={['a', 'b', 'c']} />
      <Pointer x={124} y={46} />
      <path class="line" d="M124 46v-30h22" />
      <rect class="cell b" x="150" y="8" width="16" height="16" rx="3" />
    </>
  ),
  hand: (
    <>
      <g opacity="0.35">
        <Cells />
      </g>
      <g transform="translate(20 8)">
        <Cells painted={['a']} />
      </g>
      <path class="line" d="M96 84h40m-6-6 6 6-6 6" />
    </>
  ),
  interpolate: (
    <>
      {[0, 1, 2].map((slice) => (
        <g key={slice} transform={`translate(${24 + 70 * slice} 18)`}>
          <rect class="frame" width="52" height="60" rx="3" />
          <ellipse
            class={slice === 1 ? 'dashed a' : 'cell a'}
            cx={22 + 4 * slice}
            cy="30"
            rx={18 - 4 * slice}
            ry={14 + 3 * slice}
          />
        </g>
      ))}
    </>
  ),
  live: (
    <>
      <Cells painted={['a', 'a', 'a']} />
      <path class="stroke a" d="M36 50c10-14 18 12 26-4" />
      <path class="stroke b" d="M84 84h60" />
      <path class="chosen" d={MIDDLE} />
      <path class="chosen" d={RIGHT} />
    </>
  ),
  train: (
    <>
      <path class="line faint" d="M30 12v68h184" />
      <path class="line" d="M34 18c10 40 26 48 54 50s80 4 122 4" />
      <path class="line good" d="M34 72c16-2 26-38 54-46s80-8 122-9" />
    </>
  ),
  check: (
    <>
      <Cells painted={['a', 'a', 'a']} />
      <rect class="dashed" x="86" y="14" width="66" height="68" />
      <path class="area b" d="M132 30c14 6 14 28-4 38 8-12 10-26 4-38Z" />
      <path class="line good" d="m172 82 6 6 12-14" />
    </>
  ),
  measure: (
    <>
      <path class="cell a" transform="translate(-4 0)" d={LEFT} />
      {[0, 1, 2, 3].map((row) => (
        <g key={row} transform={`translate(96 ${16 + 18 * row})`}>
          <path class="line faint" d="M0 13h128" />
          <rect class={row === 1 ? 'area a' : 'bar'} width={28} height="7" rx="2" />
          <rect class="bar" x="44" width={[30, 22, 34, 26][row]} height="7" rx="2" />
          <rect class="bar" x="92" width={[24, 30, 20, 28][row]} height="7" rx="2" />
        </g>
      ))}
    </>
  ),
  export: (
    <>
      <path class="cell a" transform="translate(-4 0)" d={LEFT} />
      <path class="line" d="M84 48h22m-6-6 6 6-6 6" />
      {[0, 1, 2].map((file) => (
        <g key={file} transform={`translate(${122 + 36 * file} 26)`}>
          <path class="frame" d="M0 0h18l8 8v36H0Z" />
          <rect class={['bar', 'area a', 'area b'][file]} x="6" y="18" width="14" height="14" rx="2" />
        </g>
      ))}
    </>
  ),
};
