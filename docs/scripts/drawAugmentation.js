// Draws the pictures of docs/augmentation.md from rendered demo heads:
//
//     npm run build && node docs/scripts/drawAugmentation.js

import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { keyedGenerator, openCodec } from 'stf-mamba/workers';
import { lettering } from '../../dist/pipeline/contactSheet/strokeLettering.js';
import { renderClip } from '../../dist/pipeline/demo/renderClip.js';
import { Clip } from '../../dist/workers/synthesis/clip.js';
import { STAGES } from '../../dist/workers/synthesis/stageRegistry.js';
import { DRIFT_PROFILES, multiScalePath } from '../../dist/workers/synthesis/stages/driftPath.js';
import { MASK_TYPES } from '../../dist/workers/synthesis/stages/mask.js';
import { Workspace } from '../../dist/workers/synthesis/workspace.js';

const IMAGES = fileURLToPath(new URL('../images/', import.meta.url));
const GAP = 6;
const CAPTION = 18;
const INK = '#222222';
const ORANGE = '#ff7a00';

const stored = storedClip(3);
const stageOf = new Map(STAGES.map((stage) => [stage.name, stage]));

function storedClip(person) {
  const [runLength, size] = [20, 224];
  const { crops, landmarks, frames } = renderClip({ seed: 0, person, video: 0 }, { size, runs: 2, runLength });
  return {
    id: `demo-${person}`,
    frames: 2 * runLength,
    height: size,
    width: size,
    pixels: crops,
    points: 81,
    landmarks: Float64Array.from(landmarks),
    frameNumbers: Float64Array.from(frames),
  };
}

/** A clip after the named stages; `seed` chooses their numbers. */
async function after(steps, { seed = 1, source = stored } = {}) {
  const clip = new Clip(source, new Workspace());
  const params = new Map(steps.map(([name, given]) => [name, { ...stageOf.get(name).defaults, ...given }]));
  const randomOf = (name) => keyedGenerator('documentation', seed, name);
  for (const [name] of steps)
    await stageOf
      .get(name)
      .prepare(params.get(name))
      .run(clip, {
        random: randomOf(name),
        workspace: new Workspace(),
        trace: { frame: () => {} }, // with a trace the stages make whole pictures, not only what the blend needs
        count: () => {},
        fail: (reason) => {
          throw new Error(`${name}: ${reason}`);
        },
        peek: ({ name: other }) => (params.has(other) ? { params: params.get(other), random: randomOf(other) } : null),
      });
  return clip;
}

const CUT = [
  ['select_frames', { num_segments: 2, frames_per_segment: 8 }],
  ['prepare_landmarks', {}],
  ['margin_crop', {}],
];
const ALL_81 = { landmarks68_prob: 0 };

/** RGB of one frame of a member. */
const frameOf = (clip, bytes, t) => ({
  width: clip.width,
  height: clip.height,
  rgb: Buffer.from(bytes.subarray(t * clip.frameBytes, (t + 1) * clip.frameBytes)),
});
const maskOf = (clip, t) => {
  const size = clip.width * clip.height;
  return Float32Array.from({ length: size }, (_, i) =>
    clip.softMask ? clip.softMask[t * size + i] : clip.hardMask[t * size + i] / 255,
  );
};
const grey = (picture, share = 0.6) => {
  const rgb = Buffer.alloc(picture.rgb.length);
  for (let i = 0; i < rgb.length; i += 3) {
    const level = 0.299 * picture.rgb[i] + 0.587 * picture.rgb[i + 1] + 0.114 * picture.rgb[i + 2];
    rgb.fill(Math.round(share * level), i, i + 3);
  }
  return { ...picture, rgb };
};
const maskPicture = (clip, t) => {
  const mask = maskOf(clip, t);
  const rgb = Buffer.alloc(clip.frameBytes);
  mask.forEach((m, i) => {
    rgb.fill(Math.round(255 * m), 3 * i, 3 * i + 3);
  });
  return { width: clip.width, height: clip.height, rgb };
};
const differencePicture = (a, b, gain) => ({
  ...a,
  rgb: Buffer.from(Uint8Array.from(a.rgb, (v, i) => Math.min(255, gain * Math.abs(v - b.rgb[i])))),
});
/** The masked part as it is, the rest grey. */
function lit(picture, mask) {
  const dark = grey(picture, 0.55);
  dark.rgb.forEach((level, i) => {
    const m = mask[Math.floor(i / 3)];
    dark.rgb[i] = m * picture.rgb[i] + (1 - m) * level;
  });
  return dark;
}
const part = ({ width, rgb }, x0, y0, w, h) => {
  const out = Buffer.alloc(w * h * 3);
  for (let y = 0; y < h; y++) rgb.copy(out, y * w * 3, ((y0 + y) * width + x0) * 3, ((y0 + y) * width + x0 + w) * 3);
  return { width: w, height: h, rgb: out };
};

/** The line on which a mask is 1/2, as an SVG path in pixels of the picture (marching squares). */
function outline(mask, width, height, colour, thickness = 1.2) {
  let path = '';
  const at = (x, y) => mask[y * width + x] - 0.5;
  for (let y = 0; y + 1 < height; y++)
    for (let x = 0; x + 1 < width; x++) {
      const corners = [at(x, y), at(x + 1, y), at(x + 1, y + 1), at(x, y + 1)];
      const crossings = [];
      corners.forEach((value, i) => {
        const next = corners[(i + 1) % 4];
        if (value > 0 === next > 0) return;
        const s = value / (value - next);
        crossings.push(
          [
            [x + s, y],
            [x + 1, y + s],
            [x + 1 - s, y + 1],
            [x, y + 1 - s],
          ][i],
        );
      });
      for (let i = 0; i + 1 < crossings.length; i += 2) path += `M${point(crossings[i])}L${point(crossings[i + 1])}`;
    }
  return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="${thickness}" stroke-linecap="round"/>`;
}
const point = ([x, y]) => `${(x + 0.5).toFixed(1)} ${(y + 0.5).toFixed(1)}`;
const ramp = (share) => `hsl(${Math.round(200 - 190 * share)},95%,${Math.round(58 - 6 * share)}%)`;

/** Rows of cells {picture, caption, over}: `over` is SVG in pixels of the picture. Writes a PNG with few colours. */
async function sheet(name, rows, height, colours = 128) {
  const layers = [];
  let top = GAP;
  let widest = 0;
  for (const row of rows) {
    const captioned = row.some(({ caption }) => caption);
    let left = GAP;
    for (const { picture, caption, over } of row) {
      const width = Math.round((picture.width * height) / picture.height);
      const raw = { width: picture.width, height: picture.height, channels: 3 };
      const kernel = height > 1.4 * picture.height ? 'nearest' : 'lanczos3';
      layers.push({
        input: await sharp(picture.rgb, { raw }).resize(width, height, { kernel }).png().toBuffer(),
        left,
        top,
      });
      if (over) {
        const box = `viewBox="0 0 ${picture.width} ${picture.height}"`;
        const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ${box}>${over}</svg>`;
        layers.push({ input: Buffer.from(svg), left, top });
      }
      if (caption) {
        const text = lettering(caption, 1, 12, 8, INK);
        const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${CAPTION}">${text}</svg>`;
        layers.push({ input: Buffer.from(svg), left, top: top + height });
      }
      left += width + GAP;
    }
    widest = Math.max(widest, left);
    top += height + (captioned ? CAPTION : 0) + GAP;
  }
  const file = `${IMAGES}augmentation-${name}.png`;
  await sharp({ create: { width: widest, height: top, channels: 3, background: '#ffffff' } })
    .composite(layers)
    .png({ palette: true, colours, effort: 10, dither: 0.6 })
    .toFile(file);
}

async function drawCrops() {
  const clip = await after([
    ['select_frames', { num_segments: 2, frames_per_segment: 8 }],
    ['prepare_landmarks', {}],
  ]);
  const whole = frameOf(clip, clip.target, 0);
  const dots = Array.from(
    { length: 81 },
    (_, p) =>
      `<circle cx="${clip.landmarks[2 * p] + 0.5}" cy="${clip.landmarks[2 * p + 1] + 0.5}" r="1.4" fill="${p < 68 ? '#00d0ff' : ORANGE}"/>`,
  ).join('');
  const cut = await after(CUT);
  const { x0, y0, x1, y1 } = cut.box;
  const margin = `<rect x="${x0}" y="${y0}" width="${x1 - x0}" height="${y1 - y0}" fill="none" stroke="${ORANGE}" stroke-width="2"/>`;
  const flipped = await after([...CUT, ['flip', { prob: 1 }]]);
  const final = (spread) => after([...CUT, ['mask', ALL_81], ['blend', {}], ['final_crop', { margin: spread }]]);
  const finished = async (spread) => {
    const { pair } = await final(spread);
    return { width: 224, height: 224, rgb: Buffer.from(pair.bytes.subarray(0, 224 * 224 * 3)) };
  };
  const row = [
    { picture: whole, over: dots, caption: 'landmarks' },
    { picture: whole, over: margin, caption: 'margin crop' },
    { picture: frameOf(flipped, flipped.target, 0), caption: 'flip' },
    { picture: await finished([0.2, 0.2]), caption: 'final crop 0.2' },
    { picture: await finished([0.8, 0.8]), caption: 'final crop 0.8' },
  ];
  await sheet('crops', [row], 150);
}

async function drawMasks() {
  const row = [];
  for (const type of MASK_TYPES) {
    const clip = await after([...CUT, ['mask', { types: [type], ...ALL_81 }]]);
    row.push({ picture: lit(frameOf(clip, clip.target, 0), maskOf(clip, 0)), caption: type.replace('_', ' ') });
  }
  await sheet('masks', [row], 160);
}

const MOTION = [
  ['mask', ALL_81],
  ['affine', {}],
  ['elastic', {}],
  ['drift', { mode: 'multiscale', step: [1.5, 1.5], max: 8 }],
  ['tps', { prob: 1 }],
  ['soften', {}],
];

async function drawShaping() {
  const t = 13;
  const row = [];
  let before = null;
  for (let n = 1; n <= MOTION.length; n++) {
    const clip = await after([...CUT, ...MOTION.slice(0, n)], { seed: 4 });
    const { width, height } = clip;
    const mask = maskOf(clip, t);
    const name = MOTION[n - 1][0];
    const picture = frameOf(clip, clip.target, t);
    const lines = (before ? outline(before, width, height, '#ffffff') : '') + outline(mask, width, height, ORANGE, 1.6);
    row.push(
      name === 'soften'
        ? { picture: lit(picture, mask), caption: name }
        : { picture: grey(picture), over: lines, caption: name },
    );
    before = mask;
  }
  await sheet('mask-stages', [row], 160);
}

async function drawProfiles() {
  const side = 150;
  const scale = side / 2 / 9;
  const blank = { width: side, height: side, rgb: Buffer.alloc(side * side * 3, 247) };
  const row = DRIFT_PROFILES.map((profile, i) => {
    const path = multiScalePath(32, profile, 1.5, 8, keyedGenerator('documentation', 'profile', i));
    const at = (t) => [side / 2 + scale * path[2 * t], side / 2 + scale * path[2 * t + 1]];
    let over = `<circle cx="${side / 2}" cy="${side / 2}" r="${8 * scale}" fill="#ffffff" stroke="#bbbbbb"/>`;
    for (let t = 1; t < 32; t++) {
      const [[ax, ay], [bx, by]] = [at(t - 1), at(t)];
      over += `<line x1="${ax}" y1="${ay}" x2="${bx}" y2="${by}" stroke="${ramp(t / 31)}" stroke-width="2" stroke-linecap="round"/>`;
    }
    return { picture: blank, over, caption: profile };
  });
  await sheet('drift-profiles', [row], side);
}

/** Outlines over time of a face that stands still, so that only the mask's own motion shows. */
async function drawMotion() {
  const still = { ...stored, landmarks: stored.landmarks.slice() };
  for (let f = 1; f < still.frames; f++) still.landmarks.copyWithin(f * 162, 0, 162);
  const row = [];
  for (const [caption, steps] of [
    ['drift, 7.3', [['drift', {}]]],
    ['drift, multi-scale', [['drift', { mode: 'multiscale', step: [3, 3], max: 8 }]]],
    [
      'tps',
      [
        ['drift', { prob: 0 }],
        ['tps', { prob: 1 }],
      ],
    ],
    [
      'both',
      [
        ['drift', { mode: 'multiscale', step: [3, 3], max: 8 }],
        ['tps', { prob: 1 }],
      ],
    ],
  ]) {
    const clip = await after([...CUT, ['mask', ALL_81], ...steps], { seed: 9, source: still });
    const { width, height } = clip;
    let lines = '';
    for (let t = 0; t < 16; t += 3) lines += outline(maskOf(clip, t), width, height, ramp(t / 15), 0.6);
    // The chin, enlarged: all of the face's outline would hide motion of a few pixels.
    const [x, y] = [Math.round(clip.landmarks[2 * 5]) - 14, Math.round(clip.landmarks[2 * 5 + 1]) - 36];
    const picture = part(grey(frameOf(clip, clip.target, 0), 0.5), x, y, 70, 60);
    row.push({ picture, over: `<g transform="translate(${-x} ${-y})">${lines}</g>`, caption });
  }
  await sheet('motion', [row], 180);
}

async function drawColour() {
  const none = { rgb_shift_prob: 0, hsv_prob: 0, brightness_contrast_prob: 0, sharpness_prob: 0, source_prob: 1 };
  const row = [];
  for (const [caption, params, seed] of [
    ['target', {}, 1],
    ['rgb shift', { rgb_shift_prob: 1, rgb_shift: [20, 20] }, 2],
    ['brightness, contrast', { brightness_contrast_prob: 1 }, 5],
    ['downscale 4', { sharpness_prob: 1, downscale_prob: 1, downscale_factors: [4] }, 1],
    ['sharpen', { sharpness_prob: 1, downscale_prob: 0, sharpen_alpha: [0.5, 0.5] }, 1],
  ]) {
    const clip = await after([...CUT, ['colour', { ...none, ...params }]], { seed });
    row.push({ picture: frameOf(clip, clip.source, 0), caption });
  }
  await sheet('colour', [row], 160);
}

async function drawBlends() {
  const [top, bottom] = [[], []];
  const steps = (method) => [
    ...CUT,
    ...MOTION.slice(0, 3),
    ['drift', {}],
    ['soften', { kernel: [15, 15], sigma: [9, 9] }],
    ['colour', { source_prob: 1, rgb_shift: [20, 20], rgb_shift_prob: 1, sharpness_prob: 0 }],
    ['blend', { ratios: [1], weights: { [method]: 1 } }],
  ];
  for (const method of ['alpha', 'laplacian', 'poisson']) {
    const clip = await after(steps(method), { seed: 6 });
    const target = frameOf(clip, clip.target, 0);
    if (top.length === 0) {
      top.push({ picture: target, caption: 'target' }, { picture: frameOf(clip, clip.source, 0), caption: 'source' });
      bottom.push({ picture: maskPicture(clip, 0), caption: 'mask' });
      bottom.push({ picture: lit(target, maskOf(clip, 0)), caption: 'mask on target' });
    }
    const fake = frameOf(clip, clip.fake, 0);
    top.push({ picture: fake, caption: method });
    bottom.push({ picture: differencePicture(fake, target, 8), caption: 'difference x 8' });
  }
  await sheet('blend', [top, bottom], 150, 160);
}

async function drawRates() {
  const row = async (params, seed, label) => {
    const clip = await after(
      [
        ['select_frames', { num_segments: 1, frames_per_segment: 8 }],
        ['prepare_landmarks', {}],
        ['margin_crop', {}],
        ['mask', {}],
        ['blend', {}],
        ['frame_rate', params],
      ],
      { seed },
    );
    return Array.from({ length: 8 }, (_, t) => ({
      picture: frameOf(clip, clip.target, t),
      caption: `${label} ${clip.frameIndex[t] - clip.frameIndex[0]}`,
    }));
  };
  await sheet(
    'frame-rate',
    [
      await row({}, 2, 'all'),
      await row({ prob: 1, duplicate_prob: 1, slow: [0.6, 0.6] }, 2, 'slow'),
      await row({ prob: 1, duplicate_prob: 0, fast: [1.8, 1.8] }, 2, 'fast'),
    ],
    84,
  );
}

async function drawPost() {
  const codec = await firstCodec();
  const row = [];
  for (const [caption, stage, params] of [
    ['as blended', 'post_colour', { rgb_shift_prob: 0, hsv_prob: 0, brightness_contrast_prob: 0 }],
    ['post colour', 'post_colour', { rgb_shift_prob: 1, brightness_contrast_prob: 1 }],
    ['jpeg 40', 'jpeg', { prob: 1, quality: [40, 40] }],
    ['H.264 qp 23', 'h264', { prob: 1, qp: [23, 23], codec }],
    ['H.264 qp 40', 'h264', { prob: 1, qp: [40, 40], codec }],
  ]) {
    const clip = await after([...CUT, ['mask', ALL_81], ['blend', {}], [stage, params]], { seed: 3 });
    const { x, y } = { x: Math.round(clip.landmarks[2 * 36]) - 14, y: Math.round(clip.landmarks[2 * 19 + 1]) - 10 };
    row.push({ picture: part(frameOf(clip, clip.target, 3), x, y, 80, 80), caption });
  }
  await sheet('post', [row], 160);
}

async function firstCodec() {
  for (const name of ['node-av', 'ffmpeg'])
    try {
      await openCodec(name);
      return name;
    } catch {
      // the next one
    }
  throw new Error('Expected an H.264 encoder for the pictures of compression: node-av or an ffmpeg program');
}

for (const draw of [
  drawCrops,
  drawMasks,
  drawShaping,
  drawProfiles,
  drawMotion,
  drawColour,
  drawBlends,
  drawRates,
  drawPost,
])
  await draw();
