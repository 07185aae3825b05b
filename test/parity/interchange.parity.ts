import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeCheckpoint } from '../../model/checkpoint/checkpointFile.js';
import { debug, type StfConfig, toSections } from '../../model/config/stfConfig.js';
import { loadDetector } from '../../model/detector.js';
import { startEngine } from '../../model/engine/startEngine.js';
import { StfMamba } from '../../model/stfMamba.js';
import { Trainer } from '../../model/training/trainer.js';
import { seededUniform } from '../model/seededUniform.js';

/**
 * The Python that docs/interchange.md shows, run as it stands there: a checkpoint of a few training steps must score a
 * clip alike in our detector and in the PyTorch peer that the shown code fills. Variables as in pytorch.parity.ts.
 */
const peer = process.env.PARITY_PEER;
const python = process.env.PARITY_PYTHON ?? 'python3';
/** float32 on both sides. */
const tolerance = 2e-5;

const folder = mkdtempSync(join(tmpdir(), 'stf-interchange-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(async () => {
  await startEngine();
});

const page = readFileSync(new URL('../../docs/interchange.md', import.meta.url), 'utf8');
const [inspecting, loading, saving] = [...page.matchAll(/```python\n([\s\S]*?)```/g)].map(([, code]) => code!);

const phaseA: StfConfig = { ...debug(), use_contrastive_hll: true, use_hll_normalization: true };
const phases: Record<string, StfConfig> = {
  a: phaseA,
  b: { ...phaseA, use_hydra: true, use_mamer: true, use_wss: true, use_adaptive_sdim: true },
};

describe.skipIf(!peer)('the documented Python', () => {
  test.each(['a', 'b'])('fills a PyTorch model of phase %s with a checkpoint', async (phase) => {
    const config: StfConfig = { ...phases[phase]!, ema_decay: 0.5, lr: 1e-2, warmup_epochs: 0 };
    const { num_frames: frames, img_size: size } = config;
    const uniform = seededUniform(1);
    const draw = (count: number) =>
      Uint8Array.from({ length: count * frames * size * size * 3 }, () => 256 * uniform());
    const model = new StfMamba(config, uniform);
    const trainer = new Trainer(model, config, { stepsPerEpoch: 3, totalSteps: 3 });
    for (let step = 0; step < 3; step++) {
      trainer.accumulate({ clips: draw(2), labels: Int32Array.of(0, 1) }, uniform);
      trainer.apply(step);
    }
    const path = join(folder, `${phase}.safetensors`);
    const state = { phase, step: 3, best: null, config: toSections(config) };
    await writeCheckpoint(join(folder, phase), trainer.exportState(), state);
    trainer.dispose();
    model.dispose();

    const clip = draw(1);
    writeFileSync(join(folder, 'clip'), clip);
    const script = `
import importlib.util, sys
import numpy as np
${loading}
spec = importlib.util.spec_from_file_location("peer", ${JSON.stringify(peer)})
peer = importlib.util.module_from_spec(spec)
sys.modules["peer"] = peer
spec.loader.exec_module(peer)
model = peer.STFMamba(peer.make_config("debug", ${JSON.stringify(phase)})).eval()
load_checkpoint(model, ${JSON.stringify(path)})
clip = np.fromfile(${JSON.stringify(join(folder, 'clip'))}, dtype=np.uint8).reshape(1, ${frames}, ${size}, ${size}, 3)
with torch.no_grad():
    out = model(torch.from_numpy(clip))
scores = {"probability": out["logits"].softmax(1)[0, 1], "hllEnergy": out["hll_energy"][0]}
${inspecting!.replace(/"runs\/.*?"/, JSON.stringify(path))}
${saving!.replace('"best.safetensors"', JSON.stringify(path)).replace('"weights.safetensors"', JSON.stringify(`${path}.weights`))}
print(json.dumps({name: float(value) for name, value in scores.items()}))
`;
    const printed = execFileSync(python, ['-c', script], { encoding: 'utf8' }).trim().split('\n');
    expect(printed.slice(0, 2)).toEqual([`${phase} 3 None 64`, '(128, 2)']);
    const want = JSON.parse(printed.at(-1)!);
    for (const options of [{ checkpoint: path }, { checkpoint: `${path}.weights`, config }]) {
      const detector = await loadDetector(options);
      const score = detector.score(clip);
      detector.dispose();
      console.log(phase, score, want);
      expect(Math.abs(score.probability - want.probability)).toBeLessThan(tolerance);
      expect(Math.abs(score.hllEnergy / want.hllEnergy - 1)).toBeLessThan(tolerance);
    }
  });
});
