import type { RunAnswer, RunRequest } from '../ownAddon.js';
import { type GraphTensor, type RecordedGraph, TYPES } from './recordedGraph.js';

/** Bytes of a step to come. `key` tells them from those of all other steps. */
export type StagedBytes = { key: string; shape: readonly number[]; values: Uint8Array };

/** Two variables for bytes of one shape: `next` is filled while a step computes from `front`. */
type Places = { front: GraphTensor; next: GraphTensor; fed: GraphTensor; stage: number; take: number };

/**
 * Keeps the bytes of one step ahead on the device: they are copied while the step before computes. A step whose bytes
 * are not there yet has them copied first and waits for it, so that what it computes never depends on what was staged.
 */
export class FeedStaging {
  /** By shape. */
  readonly #places = new Map<string, Places>();
  /** What `next` of one shape holds. */
  #ahead: { key: string; places: Places } | undefined;

  constructor(private readonly graph: RecordedGraph) {}

  /** What a step reads of bytes of this shape. */
  front(shape: readonly number[]): GraphTensor {
    return this.#placesOf(shape).front;
  }

  /** Makes the bytes of a step those that it reads. Without a key they are never taken for staged. */
  take({ key, shape, values }: Omit<StagedBytes, 'key'> & { key?: string }): void {
    const places = this.#placesOf(shape);
    const there = key !== undefined && this.#ahead?.key === key && this.#ahead.places === places;
    this.#ahead = undefined;
    if (!there) this.graph.native.run(staging(places, { shape, values }));
    // Takes the buffer over and copies nothing: TensorFlow's variables share what they are assigned.
    this.graph.native.run({ feeds: [], fetches: [], targets: [places.take] });
  }

  /** Runs a step, and meanwhile stages the bytes of the next one, if they are known. */
  beside(step: RunRequest, next?: StagedBytes): RunAnswer {
    if (!next) return this.graph.native.run(step);
    const places = this.#placesOf(next.shape);
    const answer = this.graph.native.runBeside(step, staging(places, next));
    this.#ahead = { key: next.key, places };
    return answer;
  }

  #placesOf(shape: readonly number[]): Places {
    const name = `${shape}`;
    const known = this.#places.get(name);
    if (known) return known;
    const { graph } = this;
    const dtype = { kind: 'type', value: TYPES.uint8 } as const;
    const [front, next] = ['front', 'next'].map((place) => {
      const [handle] = graph.add('VarHandleOp', [], {
        dtype,
        shape: { kind: 'shape', value: shape },
        shared_name: { kind: 'string', value: `${place} ${name}` },
        container: { kind: 'string', value: '' },
      });
      return { handle: handle!, value: graph.add('ReadVariableOp', [handle!], { dtype })[0]! };
    });
    const assign = (handle: GraphTensor, value: GraphTensor) =>
      graph.addEffect('AssignVariableOp', [handle, value], { dtype, validate_shape: { kind: 'bool', value: true } });
    const fed = graph.placeholder(TYPES.uint8, shape);
    const places = {
      front: front!.value,
      next: next!.value,
      fed,
      stage: assign(next!.handle, fed),
      take: assign(front!.handle, next!.value),
    };
    this.#places.set(name, places);
    return places;
  }
}

const staging = ({ fed, stage }: Places, { shape, values }: Omit<StagedBytes, 'key'>): RunRequest => ({
  feeds: [{ output: fed.output, shape, values }],
  fetches: [],
  targets: [stage],
});
