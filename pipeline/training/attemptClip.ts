import { attempt } from '../../operators/index.js';
import { attemptOptions, describeFailure, type SampleFailure } from './fillPosition.js';

/** What was made of a clip, or why nothing could be. */
export type AttemptedClip<Made> = { made: Made; failure?: undefined } | { made?: undefined; failure: SampleFailure };

/** Tries a clip, again where a thread may have had bad luck. @throws an error that is not the clip's fault. */
export async function attemptClip<Made>(
  id: string,
  make: (signal: AbortSignal) => Promise<Made>,
  abort?: AbortSignal,
): Promise<AttemptedClip<Made>> {
  const outcome = await attempt(id, (_, signal) => make(signal), attemptOptions, abort);
  return outcome.ok ? { made: outcome.value } : { failure: describeFailure(outcome) };
}
