import { RecipeError } from './recipe.js';
import { type RegisteredStage, registerStage } from './stage.js';
import { affine } from './stages/affine.js';
import { blend } from './stages/blend.js';
import { colour } from './stages/colour.js';
import { drift } from './stages/drift.js';
import { elastic } from './stages/elastic.js';
import { exchange } from './stages/exchange.js';
import { finalCrop } from './stages/finalCrop.js';
import { flip } from './stages/flip.js';
import { frameRate } from './stages/frameRate.js';
import { h264 } from './stages/h264.js';
import { jpeg } from './stages/jpeg.js';
import { marginCrop } from './stages/marginCrop.js';
import { mask } from './stages/mask.js';
import { postBlur } from './stages/postBlur.js';
import { postColour } from './stages/postColour.js';
import { postNoise } from './stages/postNoise.js';
import { prepareLandmarks } from './stages/prepareLandmarks.js';
import { resampleTarget } from './stages/resampleTarget.js';
import { rescale } from './stages/rescale.js';
import { selectFrames } from './stages/selectFrames.js';
import { skin } from './stages/skin.js';
import { soften } from './stages/soften.js';
import { tps } from './stages/tps.js';

/** Every stage that a recipe may name, in the order in which recipes have them. */
export const STAGES: readonly RegisteredStage[] = [
  registerStage(selectFrames),
  registerStage(prepareLandmarks),
  registerStage(flip),
  registerStage(marginCrop),
  registerStage(skin),
  registerStage(resampleTarget),
  registerStage(exchange),
  registerStage(mask),
  registerStage(affine),
  registerStage(elastic),
  registerStage(drift),
  registerStage(tps),
  registerStage(soften),
  registerStage(colour),
  registerStage(blend),
  registerStage(frameRate),
  registerStage(postColour),
  registerStage(rescale),
  registerStage(postBlur),
  registerStage(postNoise),
  registerStage(jpeg),
  registerStage(h264),
  registerStage(finalCrop),
];

const BY_NAME = new Map(STAGES.map((stage) => [stage.name, stage]));

/** @throws RecipeError for a name that no stage has */
export function stageNamed(name: string): RegisteredStage {
  const stage = BY_NAME.get(name);
  if (!stage) throw new RecipeError(`unknown stage '${name}'; expected one of: ${[...BY_NAME.keys()].join(', ')}`);
  return stage;
}
