import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Studio } from '../state/studio.ts';

export const StudioContext = createContext<Studio | undefined>(undefined);

export function useStudio(): Studio {
  const studio = useContext(StudioContext);
  if (studio === undefined) throw new Error('There is no studio around this view.');
  return studio;
}
