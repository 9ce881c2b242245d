/** The losses of maps by name. */

import type { MapKind } from '../../objects/object-maps.ts';
import { flows } from './flows.ts';
import type { MapLoss } from './loss.ts';
import { stars } from './stars.ts';

export const MAP_LOSSES: { readonly [K in MapKind]: () => MapLoss } = { stars, flows };
