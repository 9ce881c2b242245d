import { CircleQuestionMark, Download, Keyboard, Redo2, Save, Settings, Undo2 } from 'lucide';
import type { JSX } from 'preact';
import { text } from '../text/text.ts';
import { IconButton } from './button.tsx';
import { useStudio } from './context.ts';
import { Logo } from './icon.tsx';

/** Help, keys and settings: on every screen, at the right. */
export function HeaderButtons(): JSX.Element {
  const { dialog, openHelp } = useStudio();
  const open = (name: NonNullable<typeof dialog.value>) => () => {
    dialog.value = name;
  };
  return (
    <>
      <IconButton
        class="quiet"
        icon={CircleQuestionMark}
        label={text.header.help}
        command="help"
        onClick={() => openHelp('begin')}
      />
      <IconButton class="quiet" icon={Keyboard} label={text.header.keys} command="keys" onClick={open('keys')} />
      <IconButton class="quiet" icon={Settings} label={text.header.settings} onClick={open('settings')} />
    </>
  );
}

/** The project's name, what undoes, and what saves. */
export function WorkHeader(): JSX.Element {
  const studio = useStudio();
  const { project } = studio;
  const name = project.state.value?.project.name ?? '';
  return (
    <header class="bar">
      <h1 class="visually-hidden">{name}</h1>
      <button type="button" class="quiet brand" title={text.header.home} onClick={() => void studio.leave()}>
        <Logo />
        <span class="visually-hidden">{text.header.home}</span>
      </button>
      <input
        class="title"
        aria-label={text.header.rename}
        value={name}
        maxLength={80}
        onChange={({ currentTarget }) =>
          void project.change({ name: currentTarget.value }).catch(studio.messages.failed)
        }
      />
      <UndoButtons />
      <span class="grow" />
      <IconButton
        icon={Save}
        label={text.header.save}
        text={text.header.save}
        command="save"
        onClick={() => void studio.saving.save()}
      />
      <IconButton
        icon={Download}
        label={text.header.export}
        text={text.header.export}
        command="export"
        topic="export"
        onClick={() => {
          studio.dialog.value = 'export';
        }}
      />
      <HeaderButtons />
    </header>
  );
}

/** What changes with every edit. */
function UndoButtons(): JSX.Element {
  const { annotation } = useStudio();
  return (
    <>
      <IconButton
        class="quiet"
        icon={Undo2}
        label={annotation.undoText.value}
        command="undo"
        disabled={!annotation.canUndo.value}
        onClick={() => annotation.undo()}
      />
      <IconButton
        class="quiet"
        icon={Redo2}
        label={text.header.redo}
        command="redo"
        disabled={!annotation.canRedo.value}
        onClick={() => annotation.redo()}
      />
    </>
  );
}
