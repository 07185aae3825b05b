export type ConfigIssue = {
  /** Where in the YAML layout: `training.lr`, `sbi.jpeg_quality[1]`. */
  path: string;
  /** What was expected and what came. */
  message: string;
};

/** The configuration cannot be used. Names every problem found, not just the first. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly issues: ConfigIssue[]) {
    const lines = issues.map(({ path, message }) => (path ? `${path}: ${message}` : message));
    super(lines.length === 1 ? lines[0] : `${lines.length} problems in the configuration:\n  ${lines.join('\n  ')}`);
  }
}
