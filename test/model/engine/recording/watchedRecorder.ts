import type { NativeGraph, OwnAddon } from '../../../../model/engine/ownAddon.js';

export type AddedNode = Parameters<NativeGraph['addOperation']>[0];

/** A recorder that does what `recorder` does, and shows each node that is added; `run` may stand in for the session. */
export function watchedRecorder(
  { Graph }: OwnAddon,
  onNode: (node: AddedNode) => void,
  run: (request: Parameters<NativeGraph['run']>[0], real: NativeGraph['run']) => ReturnType<NativeGraph['run']> = (
    request,
    real,
  ) => real(request),
): OwnAddon {
  class WatchedGraph implements NativeGraph {
    readonly #graph: NativeGraph;
    constructor(options: ConstructorParameters<OwnAddon['Graph']>[0]) {
      this.#graph = new Graph(options);
    }
    addOperation(node: AddedNode) {
      onNode(node);
      return this.#graph.addOperation(node);
    }
    run(request: Parameters<NativeGraph['run']>[0]) {
      return run(request, (given) => this.#graph.run(given));
    }
    savedModel(request: Parameters<NativeGraph['savedModel']>[0]) {
      return this.#graph.savedModel(request);
    }
    dispose() {
      this.#graph.dispose();
    }
  }
  return { Graph: WatchedGraph };
}
