import { inspectClip } from './inspectClip.js';

/** Runs in a worker thread. */
export default inspectClip;
