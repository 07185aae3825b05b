import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeAtomically } from '../../../model/checkpoint/atomicFile.js';
import { CheckpointError } from '../../../model/checkpoint/checkpointError.js';
import { readCheckpoint, writeCheckpoint } from '../../../model/checkpoint/checkpointFile.js';
import { checkSameNetwork } from '../../../model/checkpoint/configDifferences.js';
import { float32, type HostTensor } from '../../../model/checkpoint/hostTensor.js';
import { encodeSafetensors } from '../../../model/checkpoint/safetensors.js';
import { baseline, debug, phaseA, toSections } from '../../../model/config/stfConfig.js';

const tensors = (value: number): Map<string, HostTensor> =>
  new Map([['head.fc.kernel', float32([300, 100], new Float32Array(30_000).fill(value))]]);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'checkpoint-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('a checkpoint on disk', () => {
  it('comes back as it was, with its state, and a readable copy lies beside it', async () => {
    const base = join(folder, 'new', 'last');
    const state = { step: 12, best: { auc: 0.75 }, note: 'größe' };
    await writeCheckpoint(base, tensors(1.5), state);
    expect(await readCheckpoint(`${base}.safetensors`)).toEqual({ tensors: tensors(1.5), state });
    expect(JSON.parse(readFileSync(`${base}.json`, 'utf8'))).toEqual(state);
    expect(readdirSync(join(folder, 'new')).sort()).toEqual(['last.json', 'last.safetensors']);
  });

  it('replaces an earlier one', async () => {
    const base = join(folder, 'last');
    await writeCheckpoint(base, tensors(1), { step: 1 });
    await writeCheckpoint(base, tensors(2), { step: 2 });
    expect(await readCheckpoint(`${base}.safetensors`)).toEqual({ tensors: tensors(2), state: { step: 2 } });
  });

  it('notices a single bit that has turned on the disk, wherever it is', async () => {
    const base = join(folder, 'last');
    await writeCheckpoint(base, tensors(1), { step: 1, note: 'a' });
    const bytes = readFileSync(`${base}.safetensors`);
    for (const at of [bytes.length - 1, bytes.length >> 1, bytes.indexOf('note')]) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 1;
      writeFileSync(`${base}.safetensors`, damaged);
      await expect(readCheckpoint(`${base}.safetensors`)).rejects.toThrow(/does not match its checksum/);
    }
  });

  it('reads a file of another program, which carries no state', async () => {
    const path = join(folder, 'other.safetensors');
    writeFileSync(path, encodeSafetensors(tensors(3)));
    expect(await readCheckpoint(path)).toEqual({ tensors: tensors(3), state: null });
  });

  it('says what is wrong with a file it cannot read', async () => {
    const missing = join(folder, 'none.safetensors');
    await expect(readCheckpoint(missing)).rejects.toThrow(
      new CheckpointError(`cannot read checkpoint ${missing}: no such file or folder (ENOENT)`),
    );
    const damaged = join(folder, 'damaged.safetensors');
    writeFileSync(damaged, encodeSafetensors(tensors(3)).subarray(0, 5000));
    await expect(readCheckpoint(damaged)).rejects.toThrow(
      /^checkpoint .*damaged\.safetensors is damaged or not a safetensors file: head\.fc\.kernel: data_offsets/,
    );
  });
});

describe('a write that the disk refuses', () => {
  /** Writes a checkpoint in a process whose files may not grow beyond `blocks` kilobytes. */
  function writeUnderLimit(base: string, blocks: number) {
    const module = fileURLToPath(new URL('../../../dist/model/checkpoint/checkpointFile.js', import.meta.url));
    const script = `
      import { writeCheckpoint } from ${JSON.stringify(module)};
      const tensor = { dtype: 'F32', shape: [30000], data: new Float32Array(30000) };
      await writeCheckpoint(${JSON.stringify(base)}, new Map([['a', tensor]]), {}).catch((error) => {
        console.log(error.name + ': ' + error.message);
      });`;
    const command = `ulimit -f ${blocks}; exec "$0" --input-type=module -e "$1"`;
    return spawnSync('bash', ['-c', command, process.execPath, script], { encoding: 'utf8' });
  }

  it.skipIf(process.platform === 'win32')('leaves the earlier checkpoint whole and nothing beside it', async () => {
    const base = join(folder, 'last');
    await writeCheckpoint(base, tensors(1), { step: 1 });
    // The system takes the first 64 kB and refuses the rest, as a disk does that fills up while it is written.
    const { stdout, stderr } = writeUnderLimit(base, 64);
    expect(stderr).toBe('');
    expect(stdout).toBe(
      `CheckpointError: cannot write checkpoint ${base}.safetensors: the file is larger than this system or user may ` +
        'write (EFBIG); an earlier one of that name is unchanged\n',
    );
    expect(await readCheckpoint(`${base}.safetensors`)).toEqual({ tensors: tensors(1), state: { step: 1 } });
    expect(readdirSync(folder).sort()).toEqual(['last.json', 'last.safetensors']);
  });

  it('names a folder that cannot be used', async () => {
    writeFileSync(join(folder, 'file'), '');
    await expect(writeCheckpoint(join(folder, 'file', 'last'), tensors(1), {})).rejects.toThrow(
      /^cannot write checkpoint .*last\.safetensors: a part of the path is not a folder \(EEXIST\)/,
    );
  });

  it.skipIf(process.getuid?.() === 0)('names a folder without permission', async () => {
    const closed = join(folder, 'closed');
    mkdirSync(closed);
    chmodSync(closed, 0o500);
    await expect(writeCheckpoint(join(closed, 'last'), tensors(1), {})).rejects.toThrow(/no permission \(EACCES\)/);
  });

  it('says when only the readable copy failed: the checkpoint itself is then the new one', async () => {
    const base = join(folder, 'last');
    mkdirSync(`${base}.json`);
    await expect(writeCheckpoint(base, tensors(2), {})).rejects.toThrow(
      new CheckpointError(`wrote ${base}.safetensors, but not its readable copy ${base}.json: it is a folder (EISDIR)`),
    );
    expect((await readCheckpoint(`${base}.safetensors`)).tensors).toEqual(tensors(2));
    expect(readdirSync(folder).sort()).toEqual(['last.json', 'last.safetensors']);
  });
});

describe('writeAtomically', () => {
  it('sweeps up after a process that was killed, and after no living one', async () => {
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const uuid = '00000000-0000-4000-8000-000000000000';
    writeFileSync(join(folder, `last.json.${dead}.${uuid}.tmp`), 'half');
    writeFileSync(join(folder, `last.json.${process.pid}.${uuid}.tmp`), 'under way');
    writeFileSync(join(folder, `other.json.${dead}.${uuid}.tmp`), 'not ours');
    await writeAtomically(join(folder, 'last.json'), 'whole');
    expect(readdirSync(folder).sort()).toEqual([
      'last.json',
      `last.json.${process.pid}.${uuid}.tmp`,
      `other.json.${dead}.${uuid}.tmp`,
    ]);
  });

  it('keeps writers of one file apart', async () => {
    const path = join(folder, 'last.json');
    const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(50_000));
    await Promise.all(texts.map((text) => writeAtomically(path, text)));
    expect(texts).toContain(readFileSync(path, 'utf8'));
    expect(readdirSync(folder)).toEqual(['last.json']);
  });
});

describe('a checkpoint of another configuration', () => {
  it('is refused with every difference in the network', () => {
    expect(() => checkSameNetwork(baseline(), debug(), 'last.safetensors')).toThrow(
      /^checkpoint last\.safetensors is of another configuration:\n {2}data\.img_size: 224 in the checkpoint, 64 here\n/,
    );
    expect(() => checkSameNetwork(toSections(baseline()), { ...baseline(), stage4_dim: 128 }, 'x')).toThrow(
      'checkpoint x is of another configuration:\n  model.stage4_dim: 384 in the checkpoint, 128 here',
    );
  });

  it('may differ in how it is trained', () => {
    const current = { ...phaseA(), lr: 1e-3, num_workers: 2, dropout: 0 };
    expect(checkSameNetwork(phaseA(), current, 'x')).toEqual([
      { path: 'data.num_workers', saved: 8, current: 2 },
      { path: 'model.dropout', saved: 0.3, current: 0 },
      { path: 'training.lr', saved: 5e-4, current: 1e-3 },
    ]);
  });

  it('is refused when it cannot be understood', () => {
    expect(() => checkSameNetwork({ model: { stem: 3 } }, debug(), 'x')).toThrow(
      /^checkpoint x carries a configuration of another version: model\.stem: unknown key "stem"/,
    );
  });
});
