/** `lamella/phantom`: synthetic electron micrographs with their labels. Built on the public names alone. */

export { type Phantom, type PhantomOptions, phantom } from './phantom.ts';
export { writeSlices } from './write-slices.ts';
