import type { NativeGraph, OwnAddon, RunAnswer, RunRequest } from '../../../../model/engine/ownAddon.js';

export type AddedNode = Parameters<NativeGraph['addOperation']>[0];

/** A recorder that does what `recorder` does, and shows each node that is added; `run` may stand in for the session, `side` being what runs beside. */
export function watchedRecorder(
  { Graph }: OwnAddon,
  onNode: (node: AddedNode) => void,
  run: (request: RunRequest, real: NativeGraph['run'], side?: RunRequest) => RunAnswer = (request, real) =>
    real(request),
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
    run(request: RunRequest) {
      return run(request, (given) => this.#graph.run(given));
    }
    runBeside(main: RunRequest, side: RunRequest) {
      return run(main, (given) => this.#graph.runBeside(given, side), side);
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
