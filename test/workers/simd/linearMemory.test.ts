import { describe, expect, it } from 'vitest';
import {
  allocateBlock,
  beginCall,
  endCall,
  freeBlock,
  input,
  memory,
  output,
  scratch,
} from '../../../workers/simd/linearMemory.js';
import { Workspace } from '../../../workers/synthesis/workspace.js';

describe('the arena', () => {
  it('gives out blocks that do not overlap, and the same again once they are back', () => {
    const blocks = [5000, 100_000, 5000, 70_000].map((bytes) => ({ bytes, address: allocateBlock(bytes)! }));
    const sorted = [...blocks].sort((a, b) => a.address - b.address);
    for (let i = 1; i < sorted.length; i++)
      expect(sorted[i]!.address).toBeGreaterThanOrEqual(sorted[i - 1]!.address + sorted[i - 1]!.bytes);
    for (const { address, bytes } of blocks) freeBlock(address, bytes);
    expect(blocks.map(({ address }) => address)).toContain(allocateBlock(100_000));
  });

  it('says so when it is full, and a workspace then goes on in memory of its own', () => {
    const taken: number[] = [];
    const bytes = 2 ** 26;
    for (let address = allocateBlock(bytes); address !== null; address = allocateBlock(bytes)) taken.push(address);
    expect(taken.length).toBeLessThanOrEqual(4);
    const workspace = new Workspace();
    const outside = workspace.bytes('frames', bytes);
    expect(outside.length).toBe(bytes);
    expect(outside.buffer).not.toBe(memory.buffer);
    for (const address of taken) freeBlock(address, bytes);
    expect(new Workspace().bytes('frames', bytes).buffer).toBe(memory.buffer);
  });
});

describe('a workspace', () => {
  it('keeps what a name holds until more is asked for, and cuts it to length', () => {
    const workspace = new Workspace();
    workspace.floats('mask', 10_000).fill(3);
    expect(workspace.floats('mask', 9000).every((v) => v === 3)).toBe(true);
    expect(workspace.floats('mask', 9000).length).toBe(9000);
    expect(workspace.floats('mask', 20_000).length).toBe(20_000);
    // The same name of another type is another buffer.
    workspace.bytes('mask', 100).fill(1);
    expect(workspace.integers('mask', 100).buffer).toBe(memory.buffer);
  });
});

describe('a call', () => {
  it('reads arrays where they lie, copies others in and their results out', () => {
    const inside = new Workspace().bytes('frame', 64).fill(5);
    const outside = new Uint8Array(80).fill(7);
    beginCall();
    expect(input(inside, 4)).toBe(inside.byteOffset + 4);
    const address = output(outside, 8, 16);
    const staged = new Uint8Array(memory.buffer, address, 16);
    expect(staged).toEqual(new Uint8Array(16).fill(7));
    staged.fill(9);
    expect(outside.every((v) => v === 7)).toBe(true);
    endCall();
    expect(Array.from(outside)).toEqual(Array.from({ length: 80 }, (_, i) => (i >= 8 && i < 24 ? 9 : 7)));
  });

  it('refuses frames that no working memory is large enough for', () => {
    beginCall();
    expect(() => scratch(2 ** 30)).toThrow('Expected frames that fit into 64 MiB of working memory');
    beginCall();
    expect(scratch(16)).toBeGreaterThan(0);
  });
});
