import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { commandFor } from '../commands.ts';
import { isTyping, keyName } from '../keys.ts';
import type { Studio } from '../state/studio.ts';
import { Confirm } from './confirm.tsx';
import { StudioContext } from './context.ts';
import { ExportDialog } from './export-dialog.tsx';
import { HelpDialog } from './help-dialog.tsx';
import { KeysDialog } from './keys-dialog.tsx';
import { Messages } from './messages.tsx';
import { SettingsDialog } from './settings-dialog.tsx';
import { Start } from './start.tsx';
import { Work } from './work.tsx';

export function App({ studio }: { readonly studio: Studio }): JSX.Element {
  useEffect(() => followKeys(studio), [studio]);
  return (
    <StudioContext.Provider value={studio}>
      {studio.project.state.value === undefined ? <Start /> : <Work />}
      <SettingsDialog />
      <HelpDialog />
      <ExportDialog />
      <KeysDialog />
      <Confirm />
      <Messages />
    </StudioContext.Provider>
  );
}

function followKeys(studio: Studio): () => void {
  const press = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || isTyping(event.target) || document.querySelector('dialog[open]') !== null) return;
    // What is open above the page is closed by the browser.
    if (event.key === 'Escape' && document.querySelector(':popover-open') !== null) return;
    const command = commandFor(keyName(event), studio);
    if (command === undefined) return;
    event.preventDefault();
    command.run(studio);
  };
  document.addEventListener('keydown', press);
  return () => document.removeEventListener('keydown', press);
}
