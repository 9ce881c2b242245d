// Safari has none.
export const whenIdle = globalThis.requestIdleCallback ?? ((work: () => void) => setTimeout(work));
