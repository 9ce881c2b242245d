/** Classes of predictions and of their ground truth, matched by name as far as both have names. */

import { kindOf, type LabelClass, type LabelMapping } from '../dataset/labels/labels.ts';
import type { ImageNotes } from '../image/notes.ts';
import type { PredictedValues } from './evaluate-values.ts';
import { PREDICTION_FILE, type PredictionFile } from './prediction-file.ts';

const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

export class PredictedNames {
  /** Of the classes of the model, and their values in label maps; undefined where no file of `predict` says them. */
  readonly #model: { readonly classes: readonly string[]; readonly values: readonly number[] } | undefined;
  readonly #isTruthNamed: boolean;
  readonly #isCleaned: boolean;
  readonly #notes: ImageNotes;

  /**
   * @param isTruthNamed whether the names of the classes of the ground truth are stated
   * @param notes says where names change what is compared, or differ, and where it is not what `predict` makes of it
   */
  constructor(written: PredictionFile | undefined, isTruthNamed: boolean, notes: ImageNotes) {
    if (written?.values !== undefined) this.#model = { classes: written.classes, values: written.values };
    this.#isTruthNamed = isTruthNamed;
    this.#isCleaned = written?.cleaned === true;
    this.#notes = notes;
  }

  /**
   * The classes of a ground truth. If their names are not stated, they have those of the prediction: each by its value, or
   * all in their order if there are as many and their values are others.
   */
  ofTruth(mapping: LabelMapping): LabelMapping {
    if (this.#model === undefined || this.#isTruthNamed || kindOf(mapping) === 'objects') return mapping;
    const { classes, values } = this.#model;
    const byValue = mapping.classes.map(({ values: own }) => values.findIndex((value) => own.includes(value as never)));
    const isInOrder = byValue.includes(-1) && classes.length === mapping.classes.length;
    const named = mapping.classes.map((item, i) => ({
      ...item,
      name: classes[isInOrder ? i : (byValue[i] as number)] ?? item.name,
    }));
    return { ...mapping, classes: named };
  }

  /**
   * What predicted values are: classes that the ground truth has by another value or in another order are those of the
   * same name. One whose name is not there is that of its value, unless that has the name of another; then only the
   * prediction has it.
   */
  matched(predicted: PredictedValues, mapping: LabelMapping): PredictedValues {
    if (this.#isCleaned && predicted.kind === 'probability') {
      const note = 'probabilities are scored, without the cleaning of label maps that cross-validation chose.';
      this.#notes.add({ source: PREDICTION_FILE, notes: [note] });
    }
    const isOfObjects = predicted.kind === 'objects' || kindOf(mapping) === 'objects';
    if (this.#model === undefined || isOfObjects) return predicted;
    const { classes, values } = this.#model;
    const { length } = mapping.classes;
    const named = classes.map((name) => mapping.classes.findIndex((own) => isSame(own.name, name)));
    const classOf = new Map<number, number>();
    const added: LabelClass[] = [];
    const order = classes.map((name, k) => {
      const value = values[k] as number;
      const occurs = predicted.values?.includes(value) ?? true;
      const usual = predicted.kind === 'probability' ? k : predicted.classOf.get(value);
      const isFree = usual !== undefined && usual < length && !named.includes(usual);
      const own = named[k] === -1 ? (isFree ? usual : undefined) : (named[k] as number);
      const say = (text: string): void => {
        if (occurs) this.#notes.add({ source: PREDICTION_FILE, notes: [`"${name}" (${value}) ${text}`] });
      };
      if (own === undefined) {
        say('is no class of the ground truth.');
        // In the ground truth its value may be another class.
        if (occurs) added.push({ name, values: usual !== undefined && usual < length ? [] : [value] });
      } else if (own !== usual) say('is compared with the class of that name, which is another by its value.');
      else if (own !== named[k]) say(`is compared with "${mapping.classes[own]?.name}", which has its value.`);
      const found = own ?? length + added.length - 1;
      classOf.set(value, found);
      return found;
    });
    return { ...predicted, classOf, added, order };
  }
}
