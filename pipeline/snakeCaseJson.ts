/** As indented JSON with names in snake case, like all of a run's files; names that are in it already stay. */
export const snakeCaseJson = (value: unknown): string =>
  `${JSON.stringify(value, (_, inner: unknown) => (isRecord(inner) ? snakeNames(inner) : inner), 2)}\n`;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const snakeNames = (record: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(record).map(([name, value]) => [name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toLowerCase(), value]),
  );
