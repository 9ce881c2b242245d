/** `lamella/phantom`: synthetic micrographs with their labels: electron microscopy, fluorescence. Uses only public names. */

export { type Nuclei, type NucleiOptions, nuclei } from './nuclei.ts';
export { type Phantom, type PhantomOptions, phantom } from './phantom.ts';
export { writeSlices } from './write-slices.ts';
