import type { CheckPlace } from 'lamella/studio';
import { Check, type IconNode, Pencil, ScanSearch, SkipForward, Square } from 'lucide';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Verdict } from '../state/checking.ts';
import { text } from '../text/text.ts';
import { IconButton } from './button.tsx';
import { useStudio } from './context.ts';
import { Doubt } from './doubt.tsx';
import { FileName } from './file-name.tsx';
import { Heading } from './heading.tsx';
import { Icon } from './icon.tsx';

export function CheckTab(): JSX.Element {
  const { checking } = useStudio();
  const { places, searching, accuracy } = checking;
  return (
    <>
      <section aria-labelledby="check" data-topic="check">
        <Heading id="check" title={text.check.title} topic="check" />
        <p class="muted">{text.check.help}</p>
        <Doubt />
        <button
          type="button"
          class={places.value.length === 0 ? 'primary' : ''}
          data-tour="find"
          aria-disabled={searching.value}
          onClick={() => void checking.search()}
        >
          <Icon of={ScanSearch} />
          {searching.value ? text.check.searching : places.value.length === 0 ? text.check.find : text.check.again}
        </button>
        {searching.value && (
          <button type="button" onClick={() => void checking.stop()}>
            <Icon of={Square} />
            {text.stop}
          </button>
        )}
      </section>
      {places.value.length > 0 && <Judge />}
      {accuracy.value.judged > 0 && (
        <section aria-labelledby="accuracy">
          <h2 id="accuracy">{text.check.accuracy}</h2>
          <p>{text.check.right(accuracy.value.right, accuracy.value.judged)}</p>
          <p class="muted">{text.check.accuracyHelp}</p>
        </section>
      )}
    </>
  );
}

const VERDICTS: { readonly [verdict in Verdict]: IconNode } = {
  accepted: Check,
  corrected: Pencil,
  skipped: SkipForward,
};

function Judge(): JSX.Element {
  const { checking, live } = useStudio();
  const { places, at, verdicts, current } = checking;
  return (
    <section aria-labelledby="places">
      <h2 id="places">{text.check.place(at.value + 1, places.value.length)}</h2>
      {current.value !== undefined && (
        <p class="muted">
          {text.check.where(current.value.image, current.value.rect)}
          {current.value.random && <span class="tag">{text.check.random}</span>}
        </p>
      )}
      <div class="judge" data-topic="check">
        <IconButton
          icon={Check}
          label={text.check.accept}
          text={text.check.accept}
          command="accept"
          onClick={() => void checking.accept()}
        />
        <IconButton
          icon={Pencil}
          label={text.check.corrected}
          text={text.check.corrected}
          command="correct"
          onClick={checking.corrected}
        />
        <IconButton
          icon={SkipForward}
          label={text.check.skip}
          text={text.check.skip}
          command="skip"
          onClick={checking.skip}
        />
      </div>
      <p class="muted">
        {text.check.how}
        {live.model.value !== undefined && (
          <span class={`tag ${live.model.value}`}>{text.live.models[live.model.value]}</span>
        )}
      </p>
      <p class="muted">{text.check.bars}</p>
      <ol class="places">
        {places.value.map((place, i) => (
          <PlaceRow
            key={`${place.image}/${place.page}/${place.rect.x}/${place.rect.y}`}
            place={place}
            index={i}
            current={i === at.value}
            verdict={verdicts.value.get(place)}
          />
        ))}
      </ol>
    </section>
  );
}

interface RowProps {
  readonly place: CheckPlace;
  readonly index: number;
  readonly current: boolean;
  readonly verdict: Verdict | undefined;
}

function PlaceRow({ place, index, current, verdict }: RowProps): JSX.Element {
  const { checking } = useStudio();
  const row = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (current) row.current?.scrollIntoView({ block: 'nearest' });
  }, [current]);
  return (
    <li ref={row} class={current ? 'current' : ''}>
      <button type="button" class="plain wide" aria-current={current} onClick={() => checking.show(index)}>
        <span class="number count">{index + 1}</span>
        <FileName name={place.image} />
        {verdict !== undefined && (
          <span
            class="verdict"
            role="img"
            aria-label={text.check.verdicts[verdict]}
            title={text.check.verdicts[verdict]}
          >
            <Icon of={VERDICTS[verdict]} size={14} />
          </span>
        )}
        <meter value={place.uncertainty} aria-label={text.live.modes.uncertainty} title={text.live.modes.uncertainty} />
        <span class="number muted">{text.check.uncertainty(place.uncertainty)}</span>
      </button>
    </li>
  );
}
