import { Option } from 'commander';

/**
 * `--log-format`. That TensorFlow's two lines are there is said, not prevented: the library's own initialisers write them
 * past every log level while it is loaded, and all that silences them is to do without oneDNN, which is slower and rounds
 * otherwise.
 */
export const logFormatOption = (): Option =>
  new Option(
    '--log-format <format>',
    'how to log; json: an object a line, but for two plain lines of TensorFlow itself as it loads',
  )
    .choices(['pretty', 'json'])
    .default('pretty');
