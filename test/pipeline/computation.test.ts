import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCheckpoint } from '../../model/index.js';
import { writeDemoData } from '../../pipeline/demo/demoData.js';
import { projectFolder } from '../../pipeline/projectFolder.js';

/* What the train command and replay say of how steps are computed: in the log, in config.json and in checkpoints. */

const PRELOAD = join(projectFolder, 'test', 'pipeline', 'faults', 'preload.mjs');
/** A processor that multiplies bfloat16, whatever this one does. */
const BFLOAT16 = { FAULT_FLAGS: 'amx_bf16' };

let folder: string;
let data: string;
/** A run in bfloat16 whose micro-batches are kept. */
let narrow: Awaited<ReturnType<typeof train>>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stf-computation-'));
  data = join(folder, 'data');
  await writeDemoData(data, { people: { train: 2, val: 1, test: 0 }, size: 64, runs: 1, runLength: 4 });
  narrow = await train('narrow', BFLOAT16, '--record');
}, 300_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

function command(args: string[], faults: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', PRELOAD, ...args], {
      cwd: projectFolder,
      env: { ...process.env, ...faults },
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(text) : reject(new Error(text))));
  });
}

const small = [
  ...['--config', 'configs/v8_debug.yaml', '--phase', 'baseline', '--set', 'data.batch_size=2'],
  ...['--set', 'training.val_pairs=1', '--set', 'training.amp_dtype=bfloat16', '--max-steps', '1', '--workers', '1'],
];

async function train(name: string, faults: Record<string, string>, ...more: string[]) {
  const out = join(folder, name);
  const args = ['pipeline/train.js', ...small, '--data-root', data, '--out', out, ...more];
  const text = await command(args, faults);
  const [metrics] = (await readFile(join(out, 'metrics.jsonl'), 'utf8')).split('\n');
  return { out, text, ...(await written(out)), mfu: JSON.parse(metrics!).mfu as number | undefined };
}

const replay = (run: string, out: string, faults: Record<string, string>) =>
  command(['pipeline/replay.js', join(run, 'recorded'), '--train', '--out', out], faults);

async function written(out: string) {
  const { engine, dtype } = JSON.parse(await readFile(join(out, 'config.json'), 'utf8'));
  const { state } = await readCheckpoint(join(out, 'checkpoints', 'last.safetensors'));
  return { engine, dtype, saved: (state as { effectiveDtype: string }).effectiveDtype };
}

const asked = { requested: 'bfloat16', effective: 'bfloat16', reason: 'as asked', products: 'bfloat16' };
const given = (reason: string) => ({ requested: 'bfloat16', effective: 'float32', reason, products: 'float32' });

describe('how steps are computed stands in the log, in config.json and in checkpoints', () => {
  it('when products run in bfloat16', () => {
    const { text, engine, dtype, saved, mfu } = narrow;
    expect(text).toContain('steps recorded, products in bfloat16; own operations on');
    expect({ engine, dtype, saved }).toMatchObject({
      engine: { name: 'tensorflow', step: 'recorded', operations: 'on' },
      dtype: asked,
      saved: 'bfloat16',
    });
    expect(mfu).toBeGreaterThan(0);
    expect(mfu).toBeLessThan(1);
    expect(text).toMatch(/MFU \d+ %/);
  });

  it('where recordings are trained on again', async () => {
    const { out, engine, dtype, saved } = narrow;
    const again = join(folder, 'again');
    const text = await replay(out, again, BFLOAT16);
    expect(text).toContain('steps recorded, products in bfloat16; own operations on');
    expect(await written(again)).toEqual({ engine, dtype, saved });
  }, 300_000);

  it('where that cannot be recorded', async () => {
    const again = join(folder, 'again, eagerly');
    const text = await replay(narrow.out, again, { ...BFLOAT16, FAULT_RECORD: 'Mean' });
    expect(text).toContain('cannot be recorded (the operation Mean is made to fail)');
    expect(await written(again)).toMatchObject({
      engine: { step: 'eager' },
      dtype: given('only recorded steps compute in bfloat16'),
      saved: 'float32',
    });
  }, 300_000);

  it('when operations of our own and recording are switched off', async () => {
    const off = ['--set', 'engine.kernels=off', '--set', 'engine.step=eager'];
    const { text, engine, dtype, saved, mfu } = await train('off', BFLOAT16, ...off);
    const reason = 'only recorded steps compute in bfloat16';
    expect(text).toContain(
      `steps eager, products in float32, not bfloat16: ${reason}; own operations off: switched off by engine.kernels`,
    );
    expect(mfu).toBeUndefined();
    expect(text).not.toContain('MFU');
    expect(engine).toMatchObject({ step: 'eager', operations: 'switched off by engine.kernels' });
    expect({ dtype, saved }).toEqual({ dtype: given(reason), saved: 'float32' });
  }, 300_000);

  it('when recording is given up at the first step', async () => {
    const { text, engine, dtype, saved } = await train('given up', { ...BFLOAT16, FAULT_RECORD: 'Mean' });
    const reason = 'only recorded steps compute in bfloat16';
    const before = text.indexOf('steps recorded, products in bfloat16; own operations on');
    const note = text.indexOf('cannot be recorded (the operation Mean is made to fail)');
    const after = text.indexOf(`steps eager, products in float32, not bfloat16: ${reason}; own operations on`);
    expect(before).toBeGreaterThanOrEqual(0);
    expect(note).toBeGreaterThan(before);
    expect(after).toBeGreaterThan(note);
    expect({ engine, dtype, saved }).toMatchObject({
      engine: { step: 'eager', operations: 'on' },
      dtype: given(reason),
      saved: 'float32',
    });
  }, 300_000);
});
