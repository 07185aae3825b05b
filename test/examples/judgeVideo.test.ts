import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadFaceModels } from '../../pipeline/preprocessing/installFaceModels.js';
import { projectFolder } from '../../pipeline/projectFolder.js';
import { loadNodeAv } from '../../workers/codec/nodeAvLibrary.js';
import { writeTinyCheckpoint } from '../pipeline/detection/tinyCheckpoint.js';

const missing = await (async () => {
  try {
    await loadFaceModels();
    await loadNodeAv();
    execFileSync('ffmpeg', ['-version'], { stdio: 'ignore' });
    return undefined;
  } catch (error) {
    return (error as Error).message.split('\n')[0];
  }
})();

const folder = mkdtempSync(join(tmpdir(), 'judge-video-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const run = (...args: string[]) =>
  spawnSync(process.execPath, ['examples/judgeVideo.js', ...args], { cwd: projectFolder, encoding: 'utf8' });

describe('examples/judgeVideo.js', () => {
  it('says in one line what is wrong', () => {
    expect(run()).toMatchObject({ status: 2, stderr: expect.stringMatching(/^usage: /) });
    expect(run('none.safetensors', 'absent.mp4')).toMatchObject({
      status: 2,
      stderr: 'absent.mp4: no such file or folder\n',
    });
  });

  it.skipIf(missing)(`judges a video from code${missing ? ` (skipped: ${missing})` : ''}`, async () => {
    const video = join(folder, 'pattern.mp4');
    const source = ['-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=25', '-t', '1'];
    execFileSync('ffmpeg', ['-nostdin', '-v', 'error', ...source, video]);
    const { status, stdout } = run(await writeTinyCheckpoint(folder, 'best'), video);
    expect([status, stdout]).toEqual([0, expect.stringMatching(/pattern\.mp4: no face: no run of frames with a face/)]);
  });
});
