import type { Random } from '../../workers/random/keyedGenerator.js';

/** Linear light, 0..1 per channel. */
export type Colour = readonly [number, number, number];

export type HairStyle = 'short' | 'swept' | 'fringe' | 'long' | 'cropped' | 'bald';

/** Everything that stays with a person from clip to clip. Lengths in millimetres on an average head, factors around 1. */
export type Identity = {
  readonly shape: {
    width: number;
    upperHeight: number;
    lowerHeight: number;
    depth: number;
    jawWidth: number;
    chin: number;
    cheekbone: number;
    brow: number;
    noseLength: number;
    noseWidth: number;
    noseHeight: number;
    noseHump: number;
  };
  readonly eyes: { spacing: number; length: number; height: number; tilt: number; iris: Colour; fold: number };
  readonly mouth: { width: number; upperLip: number; lowerLip: number; y: number };
  readonly brows: { y: number; thickness: number; arch: number; tilt: number; density: number };
  readonly skin: {
    /** 0 the lightest, 1 the darkest. */
    tone: number;
    albedo: Colour;
    redness: number;
    freckles: number;
    blotches: number;
    age: number;
    gloss: number;
    stubble: number;
    beard: number;
    lip: Colour;
  };
  readonly hair: { style: HairStyle; colour: Colour; thickness: number; skew: number; hairline: number; gloss: number };
  readonly glasses: null | { colour: Colour; radiusX: number; radiusY: number; squareness: number; width: number };
  readonly clothes: { colour: Colour; second: Colour; pattern: 'plain' | 'stripes' | 'jacket'; neckline: number };
  readonly earSize: number;
};

/** Diffuse reflectance of skin from light to dark; between two entries it is mixed geometrically. */
const SKIN: readonly Colour[] = [
  [0.72, 0.49, 0.385],
  [0.62, 0.39, 0.28],
  [0.47, 0.27, 0.17],
  [0.28, 0.145, 0.082],
  [0.135, 0.068, 0.04],
];

const HAIR: readonly Colour[] = [
  [0.012, 0.01, 0.009],
  [0.03, 0.018, 0.012],
  [0.075, 0.042, 0.022],
  [0.16, 0.075, 0.03],
  [0.3, 0.2, 0.095],
  [0.24, 0.075, 0.025],
  [0.3, 0.29, 0.28],
];

const IRIS: readonly Colour[] = [
  [0.045, 0.02, 0.01],
  [0.1, 0.05, 0.02],
  [0.1, 0.1, 0.04],
  [0.09, 0.17, 0.24],
  [0.13, 0.16, 0.17],
];

/** Draws a person. Two identities from different streams differ in every figure. */
export function drawIdentity(random: Random): Identity {
  const vary = (spread: number) => 1 + Math.min(2, Math.max(-2, random.normal())) * spread;
  const tone = random.uniform();
  const female = random.chance(0.5);
  const dark = tone > 0.55;
  const old = random.chance(0.25);
  const style: HairStyle = female
    ? random.pick(['long', 'long', 'long', 'swept', 'fringe'] as const)
    : random.pick(['short', 'short', 'swept', 'fringe', 'cropped', 'cropped', 'bald'] as const);
  const hairColour = old && random.chance(0.6) ? HAIR[6]! : HAIR[dark ? random.integer(0, 1) : random.integer(0, 5)]!;
  const albedo = mixSkin(tone).map((channel) => channel * vary(0.05)) as unknown as Colour;
  const lipRed = female ? random.between(0.25, 0.7) : random.between(0.1, 0.4);
  return {
    shape: {
      width: vary(0.035) * (female ? 0.98 : 1.01),
      upperHeight: vary(0.03),
      lowerHeight: vary(0.045),
      depth: vary(0.04),
      jawWidth: vary(0.06) * (female ? 0.94 : 1.04),
      chin: vary(0.25),
      cheekbone: vary(0.4),
      brow: female ? random.between(0.2, 0.6) : random.between(0.7, 1.4),
      noseLength: vary(0.06),
      noseWidth: vary(0.1) * (dark ? 1.12 : 1),
      noseHeight: vary(0.14) * (dark ? 0.9 : 1),
      noseHump: random.between(-1.2, 2.2),
    },
    eyes: {
      spacing: vary(0.035),
      length: vary(0.05),
      height: vary(0.13) * (female ? 1.1 : 0.97),
      tilt: random.between(-0.5, 2),
      iris: dark ? IRIS[random.integer(0, 1)]! : random.pick(IRIS),
      fold: random.between(0.3, 1),
    },
    mouth: {
      width: vary(0.07),
      upperLip: vary(0.18) * (female ? 1.1 : 0.9) * (dark ? 1.2 : 1),
      lowerLip: vary(0.16) * (dark ? 1.15 : 1),
      y: random.between(-73, -69),
    },
    brows: {
      y: random.between(-1.5, 2),
      thickness: female ? random.between(0.65, 0.95) : random.between(0.85, 1.3),
      arch: random.between(0.4, 1.4),
      tilt: random.between(-0.04, 0.05),
      density: random.between(0.6, 0.95),
    },
    skin: {
      tone,
      albedo,
      redness: random.between(0.3, 1),
      freckles: !dark && random.chance(0.4) ? random.between(0.3, 1) : 0,
      blotches: random.between(0.5, 1),
      age: old ? random.between(0.6, 1) : random.between(0.05, 0.4),
      gloss: random.between(0.5, 1.2),
      stubble: female ? 0 : random.between(0, 0.8),
      beard: female || random.chance(0.65) ? 0 : random.between(0.6, 1),
      lip: [albedo[0] * (1 - 0.1 * lipRed), albedo[1] * (0.78 - 0.42 * lipRed), albedo[2] * (0.82 - 0.3 * lipRed)],
    },
    hair: {
      style,
      colour: tinted(hairColour, vary(0.2), vary(0.04)),
      thickness: vary(0.25),
      skew: random.between(-1, 1),
      hairline: random.between(-5, 6) + (style === 'fringe' ? -14 : 0),
      gloss: random.between(0.5, 1.3),
    },
    glasses: random.chance(0.22)
      ? {
          colour: random.chance(0.7) ? [0.01, 0.01, 0.012] : [0.12, 0.06, 0.025],
          radiusX: random.between(22, 26),
          radiusY: random.between(17, 21),
          squareness: random.between(2, 4),
          width: random.between(1.6, 3.2),
        }
      : null,
    clothes: {
      colour: muted(
        [random.uniform(), random.uniform(), random.uniform()],
        random.between(0.012, 0.4),
        random.between(0.1, 0.7),
      ),
      second: muted(
        [random.uniform(), random.uniform(), random.uniform()],
        random.between(0.45, 0.75),
        random.between(0, 0.3),
      ),
      pattern: random.pick(['plain', 'plain', 'stripes', 'jacket'] as const),
      neckline: female ? random.between(10, 45) : random.between(0, 25),
    },
    earSize: vary(0.08),
  };
}

/** Brighter by `light`, redder by `warm`, both around 1. */
function tinted([r, g, b]: Colour, light: number, warm: number): Colour {
  return [r * light * warm, g * light, (b * light) / warm];
}

/** A colour of a given brightness between grey (`saturation` 0) and as drawn. */
function muted([r, g, b]: Colour, brightness: number, saturation: number): Colour {
  const mean = (r + g + b) / 3 || 1;
  const channel = (value: number) => brightness * (1 + saturation * (value / mean - 1));
  return [channel(r), channel(g), channel(b)];
}

function mixSkin(tone: number): Colour {
  const position = tone * (SKIN.length - 1);
  const index = Math.min(SKIN.length - 2, Math.floor(position));
  const part = position - index;
  return SKIN[index]!.map((channel, c) => channel ** (1 - part) * SKIN[index + 1]![c]! ** part) as unknown as Colour;
}
