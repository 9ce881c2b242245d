/** Below the image: slice and time, contrast, and how the annotation is shown. */

import { Contrast as ContrastIcon, Eye, EyeOff, Hexagon, Maximize } from 'lucide';
import type { JSX } from 'preact';
import type { Contrast } from '../state/display.ts';
import { text } from '../text/text.ts';
import { hexOf, unitRgbOf } from '../viewer/palette.ts';
import { IconButton } from './button.tsx';
import { useStudio } from './context.ts';
import { Icon } from './icon.tsx';

export function ViewBar(): JSX.Element {
  const { display, project } = useStudio();
  const image = display.shown.value?.image;
  // Its place is kept, so that the image does not jump when it comes.
  if (image === undefined) return <div class="view-bar" />;
  const page = project.page.value;
  const [slice, time] = [page % image.slices, Math.floor(page / image.slices)];
  return (
    <div class="view-bar">
      {image.slices > 1 && (
        <Stepper
          label={text.view.slice}
          at={slice}
          count={image.slices}
          go={(next) => project.goToPage(time * image.slices + next)}
        />
      )}
      {image.times > 1 && (
        <Stepper
          label={text.view.time}
          at={time}
          count={image.times}
          go={(next) => project.goToPage(next * image.slices + slice)}
        />
      )}
      <span class="grow" />
      <ContrastButton />
      <label class="row">
        <span class="muted">{text.view.opacity}</span>
        <input
          type="range"
          min={0}
          max={1}
          step={0.05}
          value={display.opacity.value}
          onInput={({ currentTarget }) => {
            display.opacity.value = Number(currentTarget.value);
          }}
        />
      </label>
      <IconButton
        class="quiet"
        icon={Hexagon}
        label={text.view.outlines}
        pressed={display.outlines.value}
        onClick={() => {
          display.outlines.value = !display.outlines.value;
        }}
      />
      <IconButton
        class="quiet"
        icon={display.annotationShown.value ? Eye : EyeOff}
        label={text.view.annotation}
        command="annotation"
        pressed={display.annotationShown.value}
        onClick={() => {
          display.annotationShown.value = !display.annotationShown.value;
        }}
      />
      <IconButton class="quiet" icon={Maximize} label={text.view.fit} command="fit" onClick={display.fit} />
      <button type="button" class="quiet" title={text.view.actual} onClick={() => display.scaleTo(1)}>
        1:1
      </button>
    </div>
  );
}

interface StepperProps {
  readonly label: string;
  readonly at: number;
  readonly count: number;
  go(to: number): void;
}

const Stepper = ({ label, at, count, go }: StepperProps): JSX.Element => (
  <label class="row stepper">
    <span class="muted">{label}</span>
    <input
      type="range"
      min={0}
      max={count - 1}
      value={at}
      onInput={({ currentTarget }) => go(Number(currentTarget.value))}
    />
    <output class="number">
      {at + 1}/{count}
    </output>
  </label>
);

function ContrastButton(): JSX.Element {
  return (
    <>
      <button type="button" class="quiet" popovertarget="contrast">
        <Icon of={ContrastIcon} size={18} />
        {text.view.contrast}
      </button>
      <div id="contrast" popover="auto" class="popover">
        <ContrastControls />
      </div>
    </>
  );
}

function ContrastControls(): JSX.Element {
  const { display } = useStudio();
  const image = display.shown.value?.image;
  const several = (image?.channels.length ?? 0) > 1;
  return (
    <>
      {image?.valueUnit === 'HU' && <CtWindows />}
      {display.contrast.value.map((contrast, i) => {
        const info = image?.channels[i];
        if (info === undefined) return null;
        const set = (value: Partial<Contrast>) => display.setContrast(i, value);
        const [low, high] = [
          Math.min(info.range[0], info.window[0], contrast.window[0]),
          Math.max(info.range[1], info.window[1], contrast.window[1]),
        ];
        const step = high - low > 20 ? 1 : (high - low) / 200;
        return (
          <fieldset key={info.name}>
            <legend class="row">
              <label class="toggle">
                <input
                  type="checkbox"
                  checked={contrast.visible}
                  onChange={({ currentTarget }) => set({ visible: currentTarget.checked })}
                />
                {info.name}
              </label>
              {several && (
                <input
                  type="color"
                  aria-label={text.view.colour(info.name)}
                  value={hexOf(contrast.colour)}
                  onInput={({ currentTarget }) => set({ colour: unitRgbOf(currentTarget.value) })}
                />
              )}
              <button type="button" class="quiet" onClick={() => set({ window: info.window, gamma: 1 })}>
                {text.view.auto}
              </button>
            </legend>
            <Slider
              label={text.view.black}
              range={[low, high, step]}
              value={contrast.window[0]}
              set={(value) => set({ window: [Math.min(value, contrast.window[1] - step), contrast.window[1]] })}
            />
            <Slider
              label={text.view.white}
              range={[low, high, step]}
              value={contrast.window[1]}
              set={(value) => set({ window: [contrast.window[0], Math.max(value, contrast.window[0] + step)] })}
            />
            <Slider
              label={text.view.gamma}
              range={[0.2, 3, 0.05]}
              value={contrast.gamma}
              set={(gamma) => set({ gamma })}
            />
          </fieldset>
        );
      })}
    </>
  );
}

/** Centre and width in Hounsfield units, as radiologists set them. */
const CT_WINDOWS = { soft: [40, 400], lung: [-600, 1500], bone: [400, 1800], brain: [40, 80] } as const;

function CtWindows(): JSX.Element {
  const { display } = useStudio();
  const names = Object.keys(CT_WINDOWS) as readonly (keyof typeof CT_WINDOWS)[];
  return (
    <fieldset>
      <legend>{text.view.windows}</legend>
      <div class="row">
        {names.map((name) => {
          const [centre, width] = CT_WINDOWS[name];
          const window = [centre - width / 2, centre + width / 2] as const;
          return (
            <button key={name} type="button" class="quiet" onClick={() => display.setContrast(0, { window })}>
              {text.view.hounsfield[name]}
            </button>
          );
        })}
      </div>
    </fieldset>
  );
}

interface SliderProps {
  readonly label: string;
  readonly range: readonly [low: number, high: number, step: number];
  readonly value: number;
  set(value: number): void;
}

const Slider = ({ label, range: [min, max, step], value, set }: SliderProps): JSX.Element => (
  <label class="slider">
    <span class="muted">{label}</span>
    <input
      type="range"
      min={min}
      max={max}
      step={step}
      value={value}
      onInput={({ currentTarget }) => set(Number(currentTarget.value))}
    />
    <output class="number">{Math.round(value * 100) / 100}</output>
  </label>
);
