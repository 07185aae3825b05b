import { readFileSync } from 'node:fs';
import { compiledModule } from '../pool/compiledModule.js';
import { memory } from './linearMemory.js';

type Numbers<N extends number, T extends number[] = []> = T['length'] extends N ? T : Numbers<N, [...T, number]>;

/** The functions of `assembly/`, where each argument is explained. Addresses, counts and numbers. */
type Kernels = {
  bendMask(...args: Numbers<17>): void;
  blurBinary(...args: Numbers<16>): number;
  blurFloats(...args: Numbers<16>): void;
  denseLayer(...args: Numbers<8>): void;
  depthwiseLayer(...args: Numbers<6>): void;
  keepFull(...args: Numbers<9>): void;
  largest(...args: Numbers<6>): number;
  maxPool(...args: Numbers<6>): void;
  mirrorRows(...args: Numbers<3>): void;
  mixBytes(...args: Numbers<10>): void;
  mixFloats(...args: Numbers<10>): void;
  recolour(...args: Numbers<14>): void;
  remapNearest(...args: Numbers<8>): void;
  resampleMask(...args: Numbers<18>): void;
  resampleRgb(...args: Numbers<17>): void;
  sharpen(...args: Numbers<12>): void;
  shiftMask(...args: Numbers<14>): void;
};

const module = new WebAssembly.Module(readFileSync(compiledModule('./kernels.wasm', import.meta.url)));

/** This thread's instance of the vector kernels. */
export const kernels = new WebAssembly.Instance(module, { env: { memory } }).exports as Kernels;
