import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { writeSavedModel } from '../../../model/checkpoint/savedModel.js';
import { debug } from '../../../model/config/stfConfig.js';
import { graphRecorder, startEngine } from '../../../model/engine/startEngine.js';
import { predict } from '../../../model/evaluation/predict.js';
import { StfMamba } from '../../../model/stfMamba.js';
import { seededUniform } from '../training/seededUniform.js';

await startEngine('auto');
const folder = mkdtempSync(join(tmpdir(), 'saved-model-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Loads a SavedModel by the package's own loader, which knows nothing of ours, and prints what it gives. */
const READER = `
const tf = require(${JSON.stringify(createRequire(import.meta.url).resolve('@tensorflow/tfjs-node-gpu'))});
const { readFileSync } = require('node:fs');
const [folder, clips, shape] = process.argv.slice(1);
tf.node.loadSavedModel(folder).then(({ sessionId, signature: { inputs, outputs } }) => {
  const { binding } = tf.backend();
  // The package's predict() would turn the bytes into 32-bit integers first.
  const input = binding.createTensor(JSON.parse(shape), binding.TF_UINT8, readFileSync(clips));
  const names = Object.keys(outputs);
  const fetches = names.map((name) => outputs[name].name).join();
  const given = binding.runSavedModel(sessionId, [input], inputs.clips.name, fetches);
  console.log(JSON.stringify(Object.fromEntries(names.map((name, i) => [name, [...binding.tensorDataSync(given[i].id)]]))));
});
`;

it.skipIf(graphRecorder() === undefined)(
  'a SavedModel scores as the model does, without operations of ours',
  async () => {
    const config = debug();
    const model = new StfMamba(config, seededUniform(3));
    const shape = [2, config.num_frames, config.img_size, config.img_size, 3];
    const uniform = seededUniform(4);
    const clips = Uint8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 256 * uniform());
    const expected = predict(model, config, clips, 2);
    await writeSavedModel(join(folder, 'model'), model, config, { count: 2 });
    model.dispose();
    expect(readFileSync(join(folder, 'model', 'saved_model.pb')).includes('Stf')).toBe(false);

    writeFileSync(join(folder, 'clips'), clips);
    const args = ['-e', READER, join(folder, 'model'), join(folder, 'clips'), JSON.stringify(shape)];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    const given = JSON.parse(stdout.trim().split('\n').at(-1) || stderr) as Record<string, number[]>;
    for (const [name, values] of [
      ['probability', expected.probability],
      ['hll_ratio', expected.hllRatio],
      ['hll_energy', expected.hllEnergy],
    ] as const)
      values.forEach((value, i) => {
        expect(given[name]![i], name).toBeCloseTo(value, 5);
      });
  },
  60_000,
);
