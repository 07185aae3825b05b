import { type SectionName, type StfConfig, sectionNames, sectionShapes } from './configSchema.js';

export type ConfigSections = Record<SectionName, Record<string, unknown>>;

/** The record in the layout of a YAML file. `resolveConfig({ object: toSections(c) })` gives `c` back. */
export function toSections(config: StfConfig): ConfigSections {
  const sections = {} as ConfigSections;
  for (const section of sectionNames) {
    const nested = section in config ? (config as Record<string, unknown>)[section] : {};
    const holder = { ...config, ...(nested as object) } as Record<string, unknown>;
    sections[section] = Object.fromEntries(Object.keys(sectionShapes[section]).map((key) => [key, holder[key]]));
  }
  return structuredClone(sections);
}
