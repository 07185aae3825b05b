import { tellsApart } from '../../model/index.js';
import { decidingFace, type FaceVerdict } from './faceVerdict.js';
import type { Judge } from './videoVerdict.js';

/** How rare fakes are in the example of base rates. */
const RARE = 0.01;
/** The number of the example, where the video's own is lower: only of a high one does anybody conclude too much. */
const EXAMPLE = 0.9;

/** What a probability means and does not mean, in paragraphs of a heading and text. */
export function meaning(
  { checkpoint, bootstrap, threshold }: Judge,
  faces: readonly FaceVerdict[],
): [string, string][] {
  const { calibration } = checkpoint;
  const probability = decidingFace(faces)?.probability ?? null;
  const percent = `${(100 * bootstrap.level).toFixed(0)} %`;
  return [
    calibration
      ? [
          'The number',
          `is the mean, over the clips that were looked at, of the probability that a clip is a fake of the kind this detector was trained on: a face blended into another version of the same picture (self-blended). It was calibrated on ${calibration.pairs} pairs of a real and a self-blended clip of the people that training kept aside for validation: of such clips that get 0.8, about eight in ten are fakes, when half of all are. It was not calibrated on real deepfakes, and on videos unlike the training's it may be far off.`,
        ]
      : [
          'The number',
          'is the raw score of the network, the mean over the clips that were looked at. This checkpoint says nothing of how such scores relate to how often they are right (it is not calibrated), so 0.8 does not mean eight in ten, and every verdict is "undecided". Training that goes on from it (--resume auto with more epochs) calibrates at its next validation.',
        ],
    [
      'No proof.',
      'A high number is a reason to look closer: at the clips shown here, at the source, at other evidence. Strong compression, blur, filters, make-up or a filmed screen may raise it. A low number is no certificate: it says that this detector sees no traces of the kind it knows.',
    ],
    [
      'What it looks for',
      'are traces of blending in faces. Fakes that leave few of them are found worse or not at all: lip-sync and reenactment that change a mouth or a pose, and pictures that are generated as a whole. Sound, and everything outside the face, is not looked at.',
    ],
    [
      'How rare fakes are',
      `is not in the number, which supposes that every other clip is one. ${baseRate(probability)}`,
    ],
    [
      'The interval',
      `(${percent}, bootstrap over this video's clips) tells how much the number depends on which moments were looked at. It does not hold the detector's own error, and since clips of one video resemble each other it is rather too narrow. The words follow from it: "likely manipulated" where all of it lies at ${threshold} or above, "no sign found" where all of it lies below, else "undecided".`,
    ],
    ...(faces.length > 1
      ? [
          [
            'Several faces:',
            'the video is judged by the most suspicious one, so the more faces, the likelier a false alarm. Who moves through the picture, or comes back elsewhere in it, may be listed as more than one.',
          ] as [string, string],
        ]
      : []),
    ...(calibration
      ? [
          [
            'How good the detector is:',
            `on validation, a self-blended clip drawn at random got a higher number than a real one drawn at random in ${(100 * calibration.auc).toFixed(0)} of 100 cases (AUC ${calibration.auc.toFixed(3)}; 50 is chance).${
              tellsApart(calibration)
                ? ''
                : ' That is not distinguishable from chance, so every verdict of this checkpoint is "undecided".'
            }${
              checkpoint.step !== undefined && checkpoint.step !== calibration.step
                ? ` Those were the weights of step ${calibration.step}; these are of step ${checkpoint.step}.`
                : ''
            } How it does on real deepfakes is for the command evaluate to say.`,
          ] as [string, string],
        ]
      : []),
  ];
}

function baseRate(probability: number | null): string {
  const example = Math.min(0.99, Math.max(EXAMPLE, probability ?? 0));
  const odds = (example / (1 - example)) * (RARE / (1 - RARE));
  return `Where one video in a hundred is manipulated, ${example.toFixed(2)} would mean ${(odds / (1 + odds)).toFixed(2)}.`;
}
