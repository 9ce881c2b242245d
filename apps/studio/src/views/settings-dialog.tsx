import type { Signal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Theme } from '../state/settings.ts';
import { LANGUAGES } from '../text/language.ts';
import { text } from '../text/text.ts';
import { useStudio } from './context.ts';
import { Dialog } from './dialog.tsx';
import { Segments } from './segments.tsx';

const CHOICES = ['system', ...LANGUAGES] as const;
const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

export function SettingsDialog(): JSX.Element {
  const { settings } = useStudio();
  const words = text.settings;
  return (
    <Dialog name="settings" title={words.title}>
      <fieldset>
        <legend>{words.theme}</legend>
        <Segments
          name="theme"
          options={THEMES}
          chosen={settings.theme.value}
          label={(theme) => words.themes[theme]}
          choose={(theme) => {
            settings.theme.value = theme;
          }}
        />
      </fieldset>
      <fieldset>
        <legend>{words.language}</legend>
        <Segments
          name="language"
          options={CHOICES}
          chosen={settings.language.value}
          label={(language) => words.languages[language]}
          choose={(language) => {
            settings.language.value = language;
            location.reload();
          }}
        />
      </fieldset>
      <fieldset>
        <legend>{text.live.title}</legend>
        <Toggle value={settings.liveStarts} label={words.liveStarts} help={words.liveStartsHelp} />
      </fieldset>
      <fieldset>
        <legend>{words.brush}</legend>
        <Toggle value={settings.brushOnScreen} label={words.brushOnScreen} help={words.brushOnScreenHelp} />
      </fieldset>
      <fieldset>
        <legend>{words.pen}</legend>
        <Toggle value={settings.fingerDraws} label={words.fingerDraws} help={words.fingerDrawsHelp} />
      </fieldset>
    </Dialog>
  );
}

interface ToggleProps {
  readonly value: Signal<boolean>;
  readonly label: string;
  readonly help?: string;
}

/** A checkbox with a line that explains it. */
export function Toggle({ value, label, help }: ToggleProps): JSX.Element {
  return (
    <label class="toggle">
      <input
        type="checkbox"
        checked={value.value}
        onChange={({ currentTarget }) => {
          value.value = currentTarget.checked;
        }}
      />
      <span>
        {label}
        {help !== undefined && <span class="muted block">{help}</span>}
      </span>
    </label>
  );
}
