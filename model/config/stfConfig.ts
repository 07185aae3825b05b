/** STF-Mamba's configuration: one record with every setting, its presets, and how files and options become one. */
export { ConfigError, type ConfigIssue } from './configError.js';
export { type Difficulty, type StfConfig, stfConfigSchema } from './configSchema.js';
export { describe } from './describe.js';
export { difficultyAt } from './difficultyAt.js';
export { baseline, debug, type Preset, phaseA, phaseB } from './presets.js';
export { type ConfigInput, resolveConfig } from './resolveConfig.js';
export { toSections } from './toSections.js';
