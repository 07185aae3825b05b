import { EngineError } from './engineError.js';

/** What a user may ask for. `auto`: what set-up chose for this machine. */
export const ENGINE_REQUESTS = ['auto', 'tensorflow', 'tensorflow-cuda', 'wasm'] as const;
export type EngineRequest = (typeof ENGINE_REQUESTS)[number];

/** An engine request and who made it, for messages. */
export type ResolvedRequest = { engine: EngineRequest; from: string };

/**
 * Settles which engine is wanted: an explicit request counts first, the variable STF_ENGINE stands in for `auto`.
 * @throws EngineError if either names no engine.
 */
export function resolveEngineRequest(
  requested: string = 'auto',
  env: NodeJS.ProcessEnv = process.env,
): ResolvedRequest {
  const explicit = parse(requested, 'the engine');
  if (explicit !== 'auto') return { engine: explicit, from: `engine ${explicit} was asked for` };
  const fromEnvironment = env.STF_ENGINE?.trim();
  if (!fromEnvironment) return { engine: 'auto', from: 'no engine was asked for' };
  return { engine: parse(fromEnvironment, 'STF_ENGINE'), from: `STF_ENGINE=${fromEnvironment}` };
}

function parse(value: string, name: string): EngineRequest {
  if ((ENGINE_REQUESTS as readonly string[]).includes(value)) return value as EngineRequest;
  throw new EngineError(`Expected one of ${ENGINE_REQUESTS.join(', ')} for ${name} but received '${value}'`);
}
