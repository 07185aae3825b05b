import { Piscina } from 'piscina';
import { setEngineEnvironment } from '../model/index.js';

/**
 * The one thread in which an engine computes, since a step would block the event loop for seconds. A pool of one: piscina
 * brings the request–answer protocol, transfer lists and the death of the thread as an error; calls are answered in order.
 *
 * @param filename compiled module whose exports are what can be called
 */
export function engineThread(filename: string): Piscina {
  setEngineEnvironment(); // read by C code in the thread, which sees only what the main thread has set
  return new Piscina({ filename, minThreads: 1, maxThreads: 1, atomics: 'disabled' });
}
