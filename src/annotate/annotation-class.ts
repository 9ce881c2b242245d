/** A class of a project, as in `lamella.json`. */
export interface AnnotationClass {
  readonly name: string;
  /** Its label; `rest`: every label that is no other class. */
  readonly value: number | 'rest';
  /** `#RRGGBB`. */
  readonly colour?: string;
}
