/** What networks give, instead of classes, so that touching objects are told apart. */

/** Star-convex polygons (StarDist) and flows (Cellpose). */
export const MAP_KINDS = ['stars', 'flows'] as const;
export type MapKind = (typeof MAP_KINDS)[number];

/** Which maps a network is trained for. JSON, kept in a run's configuration and in model files. */
export type ObjectMaps = {
  /** Pixels around a patch in which objects are seen whole when their targets are made. */
  readonly contextPx: number;
} & (
  | {
      readonly by: 'stars';
      readonly rays: number;
      /** Distances are `scalePx (1 + output)`: of about the size of objects from the first step on. */
      readonly scalePx: number;
    }
  | { readonly by: 'flows' }
);

/** How objects are best found in maps, as a validation of a training found. JSON, kept in model files. */
export interface MapSeparation {
  readonly by: MapKind;
  /** As `DecodeOptions.threshold`. */
  readonly threshold: number;
}

/** Length of a unit vector in maps of flows. */
export const FLOW_UNIT = 5;

/** Channels of the maps: a probability and the distances; flows along y and x and the logit of cells. */
export const mapChannels = (
  maps: { readonly by: 'stars'; readonly rays: number } | { readonly by: 'flows' },
): number => (maps.by === 'stars' ? 1 + maps.rays : 3);
