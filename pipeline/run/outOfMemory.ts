/** Words of TensorFlow, of the WebAssembly engine and of JavaScript for memory that could not be had. */
const WORDS =
  /RESOURCE_?EXHAUSTED|ResourceExhausted|\bOOM\b|out of memory|failed to allocate|allocation failed|bad_alloc/i;

export const isOutOfMemory = (error: unknown): boolean => error instanceof Error && WORDS.test(error.message);
