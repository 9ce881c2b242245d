import type { Operation } from '../../input/operations.ts';
import type { ModelMetadata } from '../../models/metadata.ts';

const bullets = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n');

/** What a reader of the package has to know, as Markdown. The zoo of BioImage.IO asks for a heading with "Validation". */
export function readme(
  { network, classes, provenance, licence }: ModelMetadata,
  { name, description }: { readonly name: string; readonly description?: string },
  {
    notes,
    operations,
    said = 'The output is a probability for each class and pixel.',
  }: {
    readonly notes: readonly string[];
    readonly operations: readonly Operation[];
    /** What the output is, in a sentence. */
    readonly said?: string | undefined;
  },
): string {
  const facts = Object.entries(provenance).flatMap(([key, value]) =>
    // The folder's name may be somebody's.
    key !== 'folder' && (typeof value === 'string' || typeof value === 'number') ? [`${key}: ${value}`] : [],
  );
  const steps = operations.map(({ id, kwargs }) => `\`${id}\` ${JSON.stringify(kwargs)}`);
  const sections = [
    `# ${name}`,
    description,
    `Segments images into ${classes.map((each) => each.name).join(', ')} by the network \`${network.name}\`, trained with Lamella. ${said}`,
    `## Preprocessing\n\n${bullets(steps)}`,
    notes.length === 0 ? undefined : `## What this package cannot say\n\n${bullets(notes)}`,
    `## Validation\n\n${facts.length === 0 ? 'Nothing is recorded.' : `Recorded when the model was made:\n\n${bullets(facts)}`}`,
    licence === null ? undefined : `## Licence of the training data\n\n${licence}`,
  ];
  return `${sections.filter((section) => section !== undefined).join('\n\n')}\n`;
}
