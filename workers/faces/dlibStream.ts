import { FaceModelError } from './faceModelError.js';

/** Special exponents by which dlib stores infinities and not-a-number (dlib/float_details.h). */
const FIRST_SPECIAL_EXPONENT = 32_000;

/**
 * Reads numbers as dlib's `serialize` writes them (dlib/serialize.h): a whole number is a byte with its sign (top bit) and
 * length (low four bits) and then its bytes, least first; a float is two of them, `mantissa · 2^exponent`.
 */
export class DlibStream {
  #at = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly name: string,
  ) {}

  /** @throws FaceModelError at the file's end or where there is no number */
  integer(): number {
    const { bytes } = this;
    const control = bytes[this.#at++];
    const length = control === undefined ? 0 : control & 0x0f;
    if (length < 1 || length > 8 || (control! & 0x70) !== 0 || this.#at + length > bytes.length)
      throw new FaceModelError(
        `${this.name}: expected a number in dlib's form at byte ${this.#at - 1} but received ${control === undefined ? 'the end of the file' : `0x${control.toString(16)}`}`,
      );
    let value = 0;
    let unit = 1;
    for (let i = 0; i < length; i++, unit *= 256) value += bytes[this.#at++]! * unit;
    return control! & 0x80 ? -value : value;
  }

  float(): number {
    const mantissa = this.integer();
    const exponent = this.integer();
    if (exponent >= FIRST_SPECIAL_EXPONENT)
      throw new FaceModelError(`${this.name}: expected finite numbers but one before byte ${this.#at} is not`);
    return mantissa * 2 ** exponent;
  }

  /** A whole number with one value that it may have. */
  expect(what: string, expected: number): void {
    const value = this.integer();
    if (value !== expected)
      throw new FaceModelError(`${this.name}: expected ${expected} for ${what} but received ${value}`);
  }

  /** A count that sizes memory, from 1 to `most`. */
  count(what: string, most: number): number {
    const value = this.integer();
    if (value < 1 || value > most)
      throw new FaceModelError(`${this.name}: expected 1 to ${most} for ${what} but received ${value}`);
    return value;
  }

  /** @returns the number of rows of a matrix with one column, whose values follow; dlib writes both negated */
  columnRows(what: string, most: number): number {
    const rows = -this.integer();
    if (rows < 1 || rows > most)
      throw new FaceModelError(`${this.name}: expected 1 to ${most} rows for ${what} but received ${rows}`);
    this.expect(`columns of ${what}`, -1);
    return rows;
  }

  expectEnd(): void {
    if (this.#at !== this.bytes.length)
      throw new FaceModelError(
        `${this.name}: expected ${this.#at} bytes but the file has ${this.bytes.length}: it is another kind of model`,
      );
  }
}
