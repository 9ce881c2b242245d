import { useComputed, useSignal } from '@preact/signals';
import type { ImageInfo } from 'lamella/studio';
import { Plus, Trash2 } from 'lucide';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Thumbnail } from '../state/project.ts';
import { text } from '../text/text.ts';
import { IconButton } from './button.tsx';
import { confirm } from './confirm.tsx';
import { useStudio } from './context.ts';
import { chooseFiles, dropHandlers } from './file-choice.ts';
import { FileName } from './file-name.tsx';

/** The images of the project, with what is annotated; also takes what is dropped. */
export function ImagesPanel(): JSX.Element {
  const studio = useStudio();
  const { images, image, busy } = studio.project;
  const over = useSignal(false);
  return (
    <aside
      class={`panel images ${over.value ? 'over' : ''}`}
      aria-label={text.images.title}
      {...dropHandlers(over, studio.takeIn)}
    >
      <header class="row">
        <h2 class="grow">
          {text.images.title} <span class="count">{text.number(images.value.length)}</span>
        </h2>
        <IconButton
          class="quiet"
          icon={Plus}
          label={text.images.add}
          onClick={() => void chooseFiles().then(studio.takeIn)}
        />
      </header>
      <ul class="scroll">
        {images.value.map((item) => (
          <ImageRow key={item.id} item={item} current={item.id === image.value?.id} />
        ))}
      </ul>
      {busy.value !== undefined && (
        <p class="busy" role="status">
          {busy.value}
        </p>
      )}
    </aside>
  );
}

function ImageRow({ item, current }: { readonly item: ImageInfo; readonly current: boolean }): JSX.Element {
  const studio = useStudio();
  const { project, annotation } = studio;
  const row = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (current) row.current?.scrollIntoView({ block: 'nearest' });
  }, [current]);
  // Of the maps of all images its own entries, so that a thumbnail that comes does not draw every row anew.
  const thumbnail = useComputed(() => project.thumbnails.value.get(item.id));
  const isAnnotated = useComputed(() => annotation.annotatedImages.value.has(item.id));
  const annotated = isAnnotated.value;
  const remove = async (): Promise<void> => {
    if (!(await confirm(text.images.removeQuestion(item.name), text.images.removeWarning, text.images.remove))) return;
    await project.remove(item.id).catch(studio.messages.failed);
  };
  return (
    <li ref={row} class={current ? 'current' : ''}>
      <button type="button" class="plain wide" aria-current={current} onClick={() => project.goTo(item.id)}>
        <Picture thumbnail={thumbnail.value} />
        <span class="names">
          <FileName name={item.name} title={item.file} />
          <span class="muted">
            {item.width} × {item.height}
            {item.pages > 1 && ` × ${item.pages}`}
          </span>
        </span>
        <span
          class={`dot ${annotated ? 'full' : ''}`}
          role="img"
          aria-label={annotated ? text.images.annotated : text.images.notAnnotated}
        />
      </button>
      <IconButton
        class="quiet remove"
        icon={Trash2}
        label={`${text.images.remove}: ${item.name}`}
        onClick={() => void remove()}
      />
    </li>
  );
}

export function Picture({ thumbnail }: { readonly thumbnail: Thumbnail | undefined }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (canvas.current === null || thumbnail === undefined) return;
    const { width, height, rgba } = thumbnail;
    canvas.current.width = width;
    canvas.current.height = height;
    canvas.current.getContext('2d')?.putImageData(new ImageData(new Uint8ClampedArray(rgba), width, height), 0, 0);
  }, [thumbnail]);
  return <canvas ref={canvas} class="thumbnail" width={48} height={48} />;
}
