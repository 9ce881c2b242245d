/** `lamella/demo`: what Lamella shows of itself. Built on the public names alone. */

export { PERCEPTRON_FILES, type PerceptronDemo, perceptronDemo } from './perceptron.ts';
