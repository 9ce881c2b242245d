export const TABS = ['annotate', 'train', 'check', 'measure'] as const;

/** What the right column is about: the steps of the work, in order. */
export type Tab = (typeof TABS)[number];
