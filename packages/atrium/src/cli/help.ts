import { type Command, GLOBAL_OPTIONS, type Options } from './command.ts';

/** `--port, -p <number>` and what it does, in two columns. */
function optionLines(options: Options): string[] {
  const left = Object.entries(options).map(([name, { short, value }]) =>
    [`--${name}`, short && `, -${short}`, value && ` ${value}`].filter(Boolean).join(''),
  );
  const width = Math.max(0, ...left.map((text) => text.length));
  return Object.values(options).map(({ summary }, at) => `  ${left[at]!.padEnd(width)}  ${summary}`);
}

export function helpFor(command: Command): string {
  return [
    `${command.summary}.`,
    '',
    `Usage: ${command.usage}`,
    ...(command.details ? ['', command.details] : []),
    ...(Object.keys(command.options).length > 0 ? ['', 'Options:', ...optionLines(command.options)] : []),
    '',
    'Options of every command:',
    ...optionLines(GLOBAL_OPTIONS),
  ].join('\n');
}

function summaries(commands: readonly Command[]): string[] {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
}

export function overview(commands: readonly Command[]): string {
  return [
    'Atrium: a notebook server for everybody who signs in.',
    '',
    'Usage: atrium <command> [options]',
    '',
    ...summaries(commands),
    '',
    'atrium <command> --help says more about one of them.',
  ].join('\n');
}

/** Commands of one first word: `atrium cluster --help`. */
export const groupHelp = (commands: readonly Command[]): string =>
  [...summaries(commands), '', 'atrium <command> --help says more about one of them.'].join('\n');

/** The command page of the reference. */
export function commandReference(commands: readonly Command[]): string {
  const table = (options: Options) =>
    Object.entries(options).map(
      ([name, { short, value, summary }]) =>
        `| \`--${name}${value ? ` ${value}` : ''}\`${short ? `, \`-${short}\`` : ''} | ${summary} |`,
    );
  const head = ['| Option | Meaning |', '|---|---|'];
  return [
    '## Options of every command',
    [...head, ...table(GLOBAL_OPTIONS)].join('\n'),
    ...commands.flatMap(({ name, usage, summary, details, options }) => [
      `## atrium ${name}`,
      `${summary}.`,
      `\`\`\`\n${usage}\n\`\`\``,
      ...(details ? [details] : []),
      ...(Object.keys(options).length > 0 ? [[...head, ...table(options)].join('\n')] : []),
    ]),
  ].join('\n\n');
}
