/**
 * Refuses what MessagePack cannot give back as it was: anything but null, booleans, numbers, text, `Uint8Array`s, lists
 * and plain objects. msgpackr itself takes more and changes it silently: a set comes back as a list, and of a
 * `Float32Array` a quarter is written, followed by whatever lay in the buffer.
 *
 * @param name what `value` is called in the message
 * @throws TypeError naming the first offender by its path
 */
export function assertPlainData(value: unknown, name: string): void {
  if (value === null || ['boolean', 'number', 'string'].includes(typeof value)) return;
  if (value instanceof Uint8Array) return;
  if (Array.isArray(value)) {
    for (const [i, element] of value.entries()) assertPlainData(element, `${name}[${i}]`);
    return;
  }
  const kind = typeof value === 'object' ? Object.getPrototypeOf(value)?.constructor?.name : typeof value;
  if (typeof value !== 'object' || ![undefined, 'Object'].includes(kind))
    throw new TypeError(`Expected plain data for ${name} but received ${String(value)} of type ${kind}`);
  for (const [key, element] of Object.entries(value)) assertPlainData(element, `${name}.${key}`);
}
