/**
 * `lamella/studio/browser`: Studio's engine in a page. Apart from `lamella/browser`, whose pages would otherwise be bundled
 * with the program of its worker.
 */

export { allowLinkedFolder, putFolderAtHand } from './linked-folders.ts';
export { connectStudioServer, openStudioEngine } from './studio.ts';
