import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EngineRecord } from '../../../model/engine/engineRecord.js';
import { kernelDigest } from '../../../model/engine/kernelSources.js';
import { loadOwnAddon, type OwnAddon } from '../../../model/engine/ownAddon.js';
import type { ProcessorLevel } from '../../../model/engine/processorLevel.js';
import { startEngine } from '../../../model/engine/startEngine.js';
import type { NativeEngine } from '../../../model/engine/startNativeEngine.js';

/* Why operations of our own are not in use, in words: what set-up left, this machine and the engine stand in. */

const folder = mkdtempSync(join(tmpdir(), 'stf-addon-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const broken = join(folder, 'broken.node');
writeFileSync(broken, 'not a library');

const machine = vi.hoisted(() => ({
  record: undefined as unknown,
  path: '',
  level: '' as string,
  native: undefined as unknown,
}));
vi.mock('../../../model/engine/engineRecord.js', async (original) => ({
  ...(await original<object>()),
  readEngineRecord: () => machine.record,
}));
vi.mock('../../../model/engine/nativePackage.js', async (original) => ({
  ...(await original<object>()),
  ownAddonPath: () => machine.path,
}));
vi.mock('../../../model/engine/processorLevel.js', async (original) => ({
  ...(await original<object>()),
  processorLevel: () => machine.level,
}));
vi.mock('../../../model/engine/startNativeEngine.js', () => ({ startNativeEngine: async () => machine.native }));

const compiled = (operations: EngineRecord['operations']): EngineRecord => ({
  ...{ engine: 'tensorflow', version: '2.21.0', reason: 'the fastest engine that runs here' },
  ...(operations ? { operations } : {}),
});
const sound = { level: 'x86-64', sources: kernelDigest() } as const;

beforeEach(() => {
  machine.record = compiled(sound);
  machine.path = broken;
  machine.level = 'x86-64-v3';
});

describe('operations of our own are not loaded', () => {
  it('where set-up could not compile them: it says why', () => {
    machine.record = compiled({ missing: 'g++ is missing' });
    expect(loadOwnAddon()).toBe('g++ is missing');
  });

  it.each<[string, () => void]>([
    ['file', () => (machine.path = join(folder, 'none.node'))],
    ['record', () => (machine.record = undefined)],
    ['mention of them in the record', () => (machine.record = compiled(undefined))],
  ])('where there is no %s', (_, take) => {
    take();
    expect(loadOwnAddon()).toBe('they are not compiled; run `npm run setup`');
  });

  it('where they were compiled from other sources', () => {
    machine.record = compiled({ ...sound, sources: 'a'.repeat(64) });
    expect(loadOwnAddon()).toBe('they were compiled from other sources; run `npm run setup`');
  });

  it.each<[ProcessorLevel, ProcessorLevel]>([
    ['x86-64-v4', 'x86-64-v3'],
    ['x86-64-v3', 'x86-64'],
  ])('where they were compiled for %s and the processor is %s', (level, reached) => {
    machine.record = compiled({ ...sound, level });
    machine.level = reached;
    expect(loadOwnAddon()).toBe(
      `they were compiled for ${level} and this processor is ${reached}; run \`npm run setup\``,
    );
  });

  it('where their file is broken', () => {
    // A better processor is no obstacle: it is the file that is tried.
    expect(loadOwnAddon()).toMatch(/^they do not load \(.*broken\.node.*\); run `npm run setup`$/);
  });
});

describe('an engine says why it computes without operations of our own:', () => {
  const addon: OwnAddon = { Graph: class {} as never };
  const native = (change: Partial<NativeEngine> = {}): NativeEngine => ({
    ...{ version: '2.21.0', device: 'cpu', threads: 2, own: addon },
    ...change,
  });

  it.each<[string, NativeEngine, 'on' | 'off', string]>([
    ['they have no kernels for its GPU', native({ device: 'gpu' }), 'on', 'they have no kernels for GPUs'],
    ['they are switched off', native(), 'off', 'switched off by engine.kernels'],
    ['they are switched off on a GPU too', native({ device: 'gpu' }), 'off', 'switched off by engine.kernels'],
    ['they do not load', native({ own: 'g++ is missing' }), 'on', 'g++ is missing'],
  ])('%s', async (_, engine, kernels, operations) => {
    machine.native = engine;
    const { device, ...info } = await startEngine('tensorflow', { kernels });
    expect(device).toBe(engine.device);
    expect(info).toMatchObject({ name: 'tensorflow', reason: 'engine tensorflow was asked for', operations });
  });
});
