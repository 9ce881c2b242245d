/** `lamella/phantom`: synthetic electron micrographs with their labels. Uses only public names. */

export { type Phantom, type PhantomOptions, phantom } from './phantom.ts';
export { writeSlices } from './write-slices.ts';
