/** Returns `value` if it is an integer of at least 1; otherwise throws a RangeError that names the option. */
export function positiveInteger(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(
      `Expected a positive integer for ${name} but received ${String(value)} of type ${typeof value}`,
    );
  }
  return value;
}
