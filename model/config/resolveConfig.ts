import { type Document, isMap, isScalar, LineCounter, parse, parseDocument } from 'yaml';
import type { z } from 'zod';
import { ConfigError, type ConfigIssue } from './configError.js';
import {
  aliases,
  nestedShapes,
  type SectionName,
  type StfConfig,
  sectionNames,
  sectionShapes,
} from './configSchema.js';
import { crossErrors, crossWarnings } from './crossChecks.js';
import { issueText, received, unknownKeyText } from './issueText.js';
import { baseline, type Preset, presetConfig } from './presets.js';

export type ConfigInput = {
  preset?: Preset;
  /** Name of the machine that is paid for; presets `a` and `b` know `4090` and `a100`. */
  gpu?: string;
  /** Settings from code or from a saved config.json: sectioned as in YAML, or the flat record. */
  object?: unknown;
  /** Text of a YAML file and the name to use for it in messages. */
  yaml?: { text: string; file: string };
  /** `section.key=value`, the value in YAML's notation. */
  overrides?: string[];
};

type Mapping = Record<string, unknown>;
const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Where a setting lies in the record: inside a nested object of its section, or flat. */
const isNested = (section: SectionName, key: string): section is keyof typeof nestedShapes =>
  section in nestedShapes && key in nestedShapes[section as keyof typeof nestedShapes];
const holderOf = (config: StfConfig, section: SectionName, key: string) =>
  (isNested(section, key) ? config[section] : config) as Mapping;
const fieldName = (section: SectionName, key: string) => (isNested(section, key) ? `${section}.${key}` : key);

const schemaOf = (section: SectionName, key: string): z.ZodType | undefined =>
  Object.hasOwn(sectionShapes[section], key)
    ? (sectionShapes[section] as unknown as Record<string, z.ZodType>)[key]
    : undefined;
const canonical = (section: SectionName, key: string) => {
  const names = aliases[section];
  return names && Object.hasOwn(names, key) ? names[key]! : key;
};
const keysOf = (section: SectionName) => [
  ...Object.keys(sectionShapes[section]),
  ...Object.keys(aliases[section] ?? {}),
];
const sectionOf = (key: string) => sectionNames.find((name) => schemaOf(name, canonical(name, key)) !== undefined);

/** Settings whose text is taken as it stands when given on the command line: paths may hold any character. */
const isText = (section: SectionName, key: string) => {
  const schema = schemaOf(section, key);
  return schema?.safeParse('any text').success === true;
};

class Resolution {
  readonly issues: ConfigIssue[] = [];
  readonly notes: string[] = [];
  readonly unusable = new Set<string>();

  constructor(readonly config: StfConfig) {}

  report(path: string, message: string, origin: string) {
    this.issues.push({ path, message: origin ? `${message} (${origin})` : message });
  }

  /**
   * Applies one mapping of sections: checks each value by itself, keeps the good ones, reports the others.
   * Returns the settings that were given, each with the name that was used for it.
   */
  apply(layer: unknown, origin: (path: string[]) => string, flatAllowed = false): Map<string, string> {
    const given = new Map<string, string>();
    if (layer === null || layer === undefined) return given;
    if (!isMapping(layer)) {
      this.report('', `expected sections (${sectionNames.join(', ')}), received ${received(layer)}`, origin([]));
      return given;
    }
    for (const [name, value] of Object.entries(layer)) {
      const section = sectionNames.find((known) => known === name);
      if (section) this.applySection(section, value, given, origin);
      else if (flatAllowed && sectionOf(name)) this.applyValue(sectionOf(name)!, name, value, given, origin([name]));
      else {
        const home = sectionOf(name);
        const text = home
          ? `unknown section "${name}": this setting belongs under "${home}"`
          : unknownKeyText('section', name, sectionNames);
        this.report(name, text, origin([name]));
      }
    }
    return given;
  }

  private applySection(
    section: SectionName,
    value: unknown,
    given: Map<string, string>,
    origin: (path: string[]) => string,
  ) {
    if (value === null || value === undefined) return;
    if (!isMapping(value)) {
      this.report(section, `expected key: value pairs, received ${received(value)}`, origin([section]));
      return;
    }
    for (const [key, entry] of Object.entries(value)) {
      this.applyValue(section, key, entry, given, origin([section, key]));
    }
  }

  private applyValue(section: SectionName, name: string, value: unknown, given: Map<string, string>, origin: string) {
    const path = `${section}.${name}`;
    const key = canonical(section, name);
    const schema = schemaOf(section, key);
    if (!schema) {
      const home = sectionOf(name);
      const text = home
        ? `unknown key "${name}": it belongs under "${home}"`
        : unknownKeyText('key', name, keysOf(section));
      this.report(path, text, origin);
      return;
    }
    const other = given.get(fieldName(section, key));
    if (other !== undefined) {
      this.report(path, `the same setting as "${other}": give one of them`, origin);
      return;
    }
    given.set(fieldName(section, key), name);
    const holder = holderOf(this.config, section, key);
    // Objects may be given in part: the rest keeps its value.
    const merged = isMapping(value) && isMapping(holder[key]) ? { ...holder[key], ...value } : value;
    const result = schema.safeParse(merged);
    if (result.success) {
      holder[key] = result.data;
      this.unusable.delete(fieldName(section, key));
      return;
    }
    this.unusable.add(fieldName(section, key));
    for (const issue of result.error.issues) {
      const at = issue.path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
      this.report(path + at, issueText(issue, merged), origin);
    }
  }

  /** A clip length given alone means one run of frames: the runs of the layer below belong to another length. */
  resetSegments(given: ReadonlyMap<string, string>) {
    const alone = given.has('num_frames') && !given.has('num_segments') && !given.has('frames_per_segment');
    if (!alone || this.unusable.has('num_frames')) return;
    if (this.config.num_segments !== 1) {
      this.notes.push(`data.num_frames: given alone, so a clip is one run of ${this.config.num_frames} frames`);
    }
    this.config.num_segments = 1;
    this.config.frames_per_segment = this.config.num_frames;
  }

  /** Applies all `section.key=value` as one layer; of two for the same setting the later one counts. */
  applyOverrides(overrides: readonly string[]) {
    const given = new Map<string, string>();
    for (const override of overrides) {
      for (const [name, key] of this.applyOverride(override)) given.set(name, key);
    }
    this.resetSegments(given);
  }

  private applyOverride(text: string): Map<string, string> {
    const match = /^([^.=\s]+)\.([^.=\s]+)((?:\.[^.=\s]+)*)=(.*)$/s.exec(text);
    if (!match) {
      this.report('', `expected section.key=value, received ${JSON.stringify(text)}`, '--set');
      return new Map();
    }
    const [, section, key, inner, raw] = match as unknown as [string, string, string, string, string];
    const origin = `--set ${text}`;
    const known = sectionNames.find((name) => name === section);
    let value: unknown;
    try {
      value = known && isText(known, canonical(known, key)) && raw.trim() !== 'null' ? raw : parse(raw);
    } catch (error) {
      const [firstLine] = (error as Error).message.split('\n');
      this.report(`${section}.${key}`, `expected a YAML value, received ${JSON.stringify(raw)}: ${firstLine}`, origin);
      return new Map();
    }
    // `sbi.blend_weights.poisson=1` sets one part of an object.
    for (const part of inner.split('.').slice(1).reverse()) value = { [part]: value };
    return this.apply({ [section]: { [key]: value } }, () => origin);
  }
}

/** Says on which line of the file a path of keys stands. */
function lineOf(document: Document, lines: LineCounter, path: string[]): number | undefined {
  let node: unknown = document.contents;
  let line: number | undefined;
  for (const step of path) {
    if (!isMap(node)) break;
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === step);
    if (!pair) break;
    const range = isScalar(pair.key) ? pair.key.range : undefined;
    if (range) line = lines.linePos(range[0]).line;
    node = pair.value;
  }
  return line;
}

function applyYaml(resolution: Resolution, { text, file }: { text: string; file: string }) {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  for (const error of document.errors) {
    const { line, col } = lines.linePos(error.pos[0]);
    resolution.report('', `${file}:${line}:${col}: not valid YAML: ${error.message}`, '');
  }
  if (document.errors.length > 0) return;
  let content: unknown;
  try {
    content = document.toJS();
  } catch (error) {
    resolution.report('', `${file}: not valid YAML: ${(error as Error).message}`, '');
    return;
  }
  const given = resolution.apply(content, (path) => {
    const line = lineOf(document, lines, path);
    return line === undefined ? file : `${file}:${line}`;
  });
  resolution.resetSegments(given);
}

/**
 * Says where the file turned a phase into another one: its features and its learning rate. That costs a whole run
 * when it was not meant.
 */
function phaseNotes(input: ConfigInput, preset: StfConfig, afterFile: StfConfig): string[] {
  if (input.preset !== 'a' && input.preset !== 'b') return [];
  const plain = baseline() as Mapping;
  const kept = afterFile as Mapping;
  return Object.entries(preset)
    .filter(([key]) => key.startsWith('use_') || key === 'lr')
    .filter(([key, value]) => value !== plain[key] && value !== kept[key])
    .map(([key, value]) => {
      const file = input.yaml?.file ?? 'the given object';
      return `${sectionOf(key)}.${key}: ${kept[key]} in ${file} overrides phase ${input.preset}'s ${value}`;
    });
}

/**
 * Builds the configuration of a run: the preset, over it `object`, then the YAML file, then the overrides.
 * Throws one ConfigError that lists every problem with its path.
 */
export function resolveConfig(input: ConfigInput = {}): { config: StfConfig; warnings: string[] } {
  const preset = presetConfig(input.preset ?? 'baseline', input.gpu);
  const resolution = new Resolution(structuredClone(preset));
  if (input.object !== undefined) resolution.resetSegments(resolution.apply(input.object, () => '', true));
  if (input.yaml) applyYaml(resolution, input.yaml);
  const notes = phaseNotes(input, preset, resolution.config);
  resolution.applyOverrides(input.overrides ?? []);

  const issues = [...resolution.issues, ...crossErrors(resolution.config, resolution.unusable)];
  if (issues.length > 0) throw new ConfigError(issues);
  return {
    config: resolution.config,
    warnings: [...notes, ...resolution.notes, ...crossWarnings(resolution.config)],
  };
}
