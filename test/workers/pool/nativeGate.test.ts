import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { compiledModule } from '../../../workers/index.js';
import { NativeGate } from '../../../workers/pool/nativeGate.js';

const sections = compiledModule('../../../workers/pool/nativeSection.js', import.meta.url);

/** A thread that spends `insideMs` in "native" code again and again, and `outsideMs` between; it counts its visits. */
async function visitor(insideMs: number, outsideMs: number) {
  const gate = new NativeGate();
  const shared = new SharedArrayBuffer(8);
  const [visits, inside] = [new Int32Array(shared, 0, 1), new Int32Array(shared, 4, 1)];
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
    const [visits, inside] = [new Int32Array(workerData.shared, 0, 1), new Int32Array(workerData.shared, 4, 1)];
    const busy = (ms) => { for (const end = performance.now() + ms; performance.now() < end; ); };
    import(${JSON.stringify(`file://${sections}`)}).then(({ guardNativeSections, nativeSection }) => {
      guardNativeSections(workerData.gate);
      parentPort.postMessage('up');
      for (;;) {
        const visit = () => { Atomics.store(inside, 0, 1); Atomics.add(visits, 0, 1); busy(workerData.insideMs); Atomics.store(inside, 0, 0); };
        nativeSection(() => nativeSection(visit));
        busy(workerData.outsideMs);
      }
    });`,
    { eval: true, workerData: { gate: gate.shared, shared, insideMs, outsideMs } },
  );
  await once(worker, 'message');
  return { gate, worker, visits: () => Atomics.load(visits, 0), isInside: () => Atomics.load(inside, 0) === 1 };
}
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('NativeGate', () => {
  it('closes behind a thread that is outside at once', async () => {
    const gate = new NativeGate();
    const began = performance.now();
    await gate.close();
    expect(performance.now() - began).toBeLessThan(1000);
  });

  it('waits for a thread to come out, which then stays outside and can be ended', async () => {
    for (const [insideMs, outsideMs] of [
      [150, 0],
      [1, 0],
      [0, 20],
    ] as const) {
      const { gate, worker, visits, isInside } = await visitor(insideMs, outsideMs);
      await expect.poll(visits).toBeGreaterThan(0);
      await gate.close();
      expect(isInside()).toBe(false);
      const seen = visits();
      await pause(100);
      expect(visits()).toBe(seen);
      expect(await worker.terminate()).toBe(1);
    }
  });

  it('does the same in place, without the event loop', async () => {
    const { worker, visits, isInside } = await visitor(50, 0);
    await expect.poll(visits).toBeGreaterThan(0);
    NativeGate.closeAll(5000);
    expect(isInside()).toBe(false);
    const seen = visits();
    await pause(150);
    expect(visits()).toBe(seen);
    await worker.terminate();
  });

  it('waits no longer than its limit for a thread that hangs, and not at all for one that is gone', async () => {
    const hanging = await visitor(60_000, 0);
    await expect.poll(hanging.isInside).toBe(true);
    const began = performance.now();
    await hanging.gate.close(200);
    expect(performance.now() - began).toBeGreaterThanOrEqual(199);
    expect(hanging.isInside()).toBe(true);
    await hanging.worker.terminate();

    const gone = await visitor(60_000, 0);
    await expect.poll(gone.isInside).toBe(true);
    await gone.worker.terminate();
    gone.gate.abandon();
    const again = performance.now();
    await gone.gate.close();
    expect(performance.now() - again).toBeLessThan(1000);
  });
});
