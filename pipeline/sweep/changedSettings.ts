import { defaultConfig } from '../../model/config/defaults.js';

/**
 * What differs between the settings that a run was begun with and those of now, `path: … then, … now`. A setting that did
 * not exist when it was begun had its default's effect.
 */
export function changedSettings(then: Record<string, unknown>, now: Record<string, unknown>): string[] {
  const [before, after] = [{ ...byPath(defaultConfig()), ...byPath(then) }, byPath(now)];
  return Object.entries({ ...byPath(then), ...after })
    .map(([path]) => [path, JSON.stringify(before[path]), JSON.stringify(after[path])])
    .filter(([, earlier, later]) => earlier !== later)
    .map(([path, earlier, later]) => `${path}: ${earlier} then, ${later} now`);
}

/** Settings of nested sections by `section.key`. */
function byPath(settings: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([key, value]): [string, unknown][] =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.entries(value).map(([inner, of]) => [`${key}.${inner}`, of])
        : [[key, value]],
    ),
  );
}
