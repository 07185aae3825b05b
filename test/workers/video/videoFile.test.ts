import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadNodeAv } from '../../../workers/codec/nodeAvLibrary.js';
import { UprightPicture } from '../../../workers/video/uprightPicture.js';
import { VideoFile } from '../../../workers/video/videoFile.js';

/* Videos that the ffmpeg program makes: each frame tells its number by its brightness. */

const folder = mkdtempSync(join(tmpdir(), 'stf-video-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const program = process.env.FFMPEG_BIN ?? 'ffmpeg';
const missing = await (async () => {
  try {
    execFileSync(program, ['-version'], { stdio: 'ignore' });
    await loadNodeAv();
    return false;
  } catch {
    return 'needs the ffmpeg program and node-av';
  }
})();

const LEVEL = (n: number) => 20 + 4 * (n % 50);
/** A dark left half, so that turns show. */
const source = (size: string, rate = 25) =>
  `color=black:size=${size}:rate=${rate},format=yuv444p,geq=lum='if(lt(X,W/2),16,20+4*mod(N,50))':cb=128:cr=128`;

function make(name: string, ...options: string[]): string {
  const file = join(folder, name);
  execFileSync(program, ['-v', 'error', '-y', ...options, file]);
  return file;
}

/** Numbers of the frames as they were asked for, with what their brightness says. */
async function read(file: string, ...windows: [number, number][]): Promise<{ number: number; level: number }[][]> {
  const video = await VideoFile.open(file);
  const upright = new UprightPicture(await loadNodeAv(), video.turn);
  try {
    return windows.map(([from, to]) => {
      const found: { number: number; level: number }[] = [];
      for (const { number, frame } of video.decode(from, to)) {
        const { data, width, height } = upright.of(frame);
        const level = data[3 * (Math.floor(height / 2) * width + Math.floor(width * 0.8))]!;
        found.push({ number, level: Math.round((level * 219) / 255 + 16) });
      }
      return found;
    });
  } finally {
    upright.free();
    video.close();
  }
}

function expectFrames(found: { number: number; level: number }[], from: number, to: number): void {
  expect(found.map(({ number }) => number)).toEqual(Array.from({ length: to - from }, (_, i) => from + i));
  for (const { number, level } of found) expect(Math.abs(level - LEVEL(number))).toBeLessThanOrEqual(2);
}

/** Writes a clockwise turn into the track header's matrix (ISO 14496-12, 8.3.2), as telephones do. */
function withTurn(mp4: Buffer, degrees: 90 | 180 | 270): Buffer {
  const matrix = mp4.indexOf('tkhd') + 4 + 40;
  const [a, b] = { 90: [0, 1], 180: [-1, 0], 270: [0, -1] }[degrees] as [number, number];
  [a, b, 0, -b, a].forEach((value, i) => {
    mp4.writeInt32BE(value * 65_536, matrix + 4 * i);
  });
  return mp4;
}

describe.skipIf(missing)(`videos${missing ? ` (${missing})` : ''}`, () => {
  const lavfi = (size: string, frames: number, rate = 25) => [
    '-f',
    'lavfi',
    '-i',
    source(size, rate),
    '-frames:v',
    String(frames),
  ];

  it.each([
    ['h264.mp4', ['-c:v', 'libx264', '-g', '12', '-bf', '3']],
    ['h264.mkv', ['-c:v', 'libx264', '-g', '30', '-x264-params', 'open-gop=1:bframes=2']],
    ['h264.ts', ['-c:v', 'libx264', '-g', '15']],
    ['mpeg4.avi', ['-c:v', 'mpeg4', '-q:v', '3', '-g', '20']],
    ['ten-bit.mp4', ['-c:v', 'libx264', '-pix_fmt', 'yuv420p10le', '-g', '20']],
    ['full-range.mov', ['-c:v', 'mjpeg', '-q:v', '3', '-pix_fmt', 'yuvj420p']],
  ])('give the frames that were asked for, in any order: %s', async (name, options) => {
    const file = make(name, ...lavfi('64x48', 60), ...options);
    const video = await VideoFile.open(file);
    expect(video.frames).toBe(60);
    video.close();
    const windows: [number, number][] = [
      [40, 50],
      [0, 5],
      [5, 9],
      [20, 24],
      [55, 60],
    ];
    const found = await read(file, ...windows);
    windows.forEach(([from, to], i) => {
      expectFrames(found[i]!, from, to);
    });
  });

  it('count frames, whatever their distance in time', async () => {
    const file = make(
      'variable.mp4',
      ...lavfi('64x48', 50),
      '-vf',
      "setpts='if(lt(N,20),N,N*3)/25/TB'",
      '-fps_mode',
      'vfr',
      '-c:v',
      'libx264',
    );
    const [found] = await read(file, [15, 40]);
    expectFrames(found!, 15, 40);
    const video = await VideoFile.open(file);
    const seconds = [0, 19, 20, 49].map((frame) => video.secondsAt(frame));
    const { rate } = video;
    expect(video.seconds).toBeCloseTo(video.secondsAt(49) + 1 / rate, 6);
    video.close();
    [0, 19 / 25, 60 / 25, 147 / 25].forEach((second, i) => {
      expect(seconds[i]!).toBeCloseTo(second, 2);
    });
  });

  it('have odd sizes and pixels that are not square', async () => {
    const av = await loadNodeAv();
    const file = make('odd.mkv', ...lavfi('63x47', 20), '-vf', 'setsar=4/3', '-c:v', 'libx264', '-pix_fmt', 'yuv444p');
    const video = await VideoFile.open(file);
    const upright = new UprightPicture(av, video.turn);
    for (const { frame } of video.decode(0, 1)) expect(upright.of(frame)).toMatchObject({ width: 84, height: 47 });
    upright.free();
    video.close();
  });

  it.each([
    [90, 'bottom'],
    [180, 'left'],
    [270, 'top'],
  ] as const)('are turned upright as players do: by %i degrees', async (degrees, bright) => {
    const flat = make('flat.mp4', ...lavfi('64x48', 20), '-c:v', 'libx264');
    const file = join(folder, `turned-${degrees}.mp4`);
    writeFileSync(file, withTurn(readFileSync(flat), degrees));
    const video = await VideoFile.open(file);
    const upright = new UprightPicture(await loadNodeAv(), video.turn);
    for (const { frame } of video.decode(10, 11)) {
      const { data, width, height } = upright.of(frame);
      expect([width, height]).toEqual(degrees === 180 ? [64, 48] : [48, 64]);
      const at = { top: [0.5, 0.1], left: [0.1, 0.5], bottom: [0.5, 0.9] }[bright];
      const level = data[3 * (Math.floor(at[1]! * height) * width + Math.floor(at[0]! * width))]!;
      expect(level).toBeGreaterThan(30);
      // And as ffmpeg itself turns it.
      const raw = execFileSync(
        program,
        ['-v', 'error', '-i', file, '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-frames:v', '11', '-'],
        { maxBuffer: 2 ** 26 },
      );
      const theirs = raw.subarray(10 * data.length);
      expect(theirs.length).toBe(data.length);
      let difference = 0;
      for (let i = 0; i < data.length; i++) difference = Math.max(difference, Math.abs(data[i]! - theirs[i]!));
      expect(difference).toBeLessThanOrEqual(12);
    }
    upright.free();
    video.close();
  });

  it('say why they cannot be read', async () => {
    const whole = make('whole.mp4', ...lavfi('64x48', 50), '-c:v', 'libx264');
    const half = join(folder, 'half.mp4');
    writeFileSync(half, readFileSync(whole).subarray(0, Math.floor(statSync(whole).size / 2)));
    await expect(VideoFile.open(half)).rejects.toThrow(/cut off, or not yet written to its end/);
    const text = join(folder, 'text.mp4');
    writeFileSync(text, 'this is no video');
    await expect(VideoFile.open(text)).rejects.toThrow(/cannot be opened/);
    const sound = make('sound.m4a', '-f', 'lavfi', '-i', 'sine=duration=1');
    await expect(VideoFile.open(sound)).rejects.toThrow(/no video, only sound/);
    await expect(VideoFile.open(join(folder, 'absent.mp4'))).rejects.toThrow(/cannot be opened/);
  });

  it('give what is whole of a file that is cut off, under a hostile name', async () => {
    const whole = make('whole.mkv', ...lavfi('64x48', 50), '-c:v', 'libx264', '-g', '10');
    const file = join(folder, "-i '$(x)' \"ü%03d;\n.mkv");
    writeFileSync(file, readFileSync(whole).subarray(0, Math.floor(statSync(whole).size * 0.7)));
    const [found] = await read(file, [0, 20]);
    expectFrames(found!, 0, 20);
  });
});
