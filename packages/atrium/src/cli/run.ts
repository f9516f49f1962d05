import { parseArgs } from 'node:util';
import { type Answer, type Command, CommandError, GLOBAL_OPTIONS, type Terminal, UsageError } from './command.ts';
import { groupHelp, helpFor, overview } from './help.ts';
import { printable } from './printable.ts';

export interface Streams {
  out: { write(text: string): unknown };
  err: { write(text: string): unknown };
}

/** Runs one command line. Gives the exit status: 0 done, 1 failed, 2 the command line cannot be read. */
export async function runCommandLine(
  argv: readonly string[],
  commands: readonly Command[],
  { out, err }: Streams,
): Promise<number> {
  const json = argv.includes('--json');
  const terminal: Terminal = {
    json,
    say: (text) => void err.write(`${printable(text)}\n`),
    answer: (answer) => void out.write(`${json ? JSON.stringify(answer.json) : printable(answer.text)}\n`),
  };
  try {
    const answer = await dispatch(argv, commands, terminal);
    if (answer) terminal.answer(answer);
    return answer?.exitCode ?? 0;
  } catch (error) {
    const { status, ...told } = explain(error);
    err.write(json ? `${JSON.stringify({ error: told })}\n` : `${printable(told.message)}\n`);
    return status;
  }
}

async function dispatch(argv: readonly string[], commands: readonly Command[], terminal: Terminal) {
  if (argv[0] === '--version' || argv[0] === 'version') return version();
  if (argv.length === 0 || argv[0] === '--help' || argv[0] === '-h' || argv[0] === 'help') {
    return { json: commands.map(({ name, usage, summary }) => ({ name, usage, summary })), text: overview(commands) };
  }
  const group = commands.filter(({ name }) => name.startsWith(`${argv[0]} `));
  if (group.length > 0 && (argv[1] === '--help' || argv[1] === '-h')) {
    return { json: group.map(({ name, usage, summary }) => ({ name, usage, summary })), text: groupHelp(group) };
  }
  const { command, rest } = find(argv, commands) ?? (await notThere(argv, commands));
  const { values, positionals } = await parse(command, rest);
  if (values.help) return { json: { usage: command.usage, summary: command.summary }, text: helpFor(command) };
  const { min, max } = command.positionals ?? { min: 0, max: 0 };
  if (positionals.length < min) throw new UsageError(`Something is missing. Usage: ${command.usage}`);
  if (positionals.length > max) {
    throw new UsageError(`What is "${positionals[max]}" for? Usage: ${command.usage}`);
  }
  return command.run({ args: positionals, values: values as never }, terminal);
}

async function version(): Promise<Answer> {
  const { VERSION } = await import('../version.ts');
  return { json: { version: VERSION, node: process.versions.node }, text: `atrium ${VERSION}` };
}

/** Names have one word or two; the longest that fits is meant. */
function find(argv: readonly string[], commands: readonly Command[]) {
  for (const words of [2, 1]) {
    const name = argv.slice(0, words).join(' ');
    const command = commands.find((each) => each.name === name);
    if (command) return { command, rest: argv.slice(words) };
  }
  return undefined;
}

/** Loaded when something was mistyped. */
const loadNearest = async () => (await import('@atrium/hub/config')).nearest;

/** @throws UsageError, with what was probably meant. */
async function notThere(argv: readonly string[], commands: readonly Command[]): Promise<never> {
  const nearest = await loadNearest();
  const [first = '', second] = argv;
  const group = commands.filter(({ name }) => name.startsWith(`${first} `)).map(({ name }) => name);
  if (group.length > 0 && (second === undefined || second.startsWith('-'))) {
    throw new UsageError(`atrium ${first} what? There is: ${group.map((name) => `atrium ${name}`).join(', ')}`);
  }
  const names = commands.map(({ name }) => name);
  const words = [...names, ...names.map((name) => name.split(' ')[0]!)];
  const guess = group.length > 0 ? nearest(argv.slice(0, 2).join(' '), group) : nearest(first, words);
  const given = group.length > 0 ? `${first} ${second}` : first;
  throw new UsageError(
    `There is no command "${given}". ${guess ? `Did you mean: atrium ${guess}` : 'atrium --help lists them all'}`,
  );
}

async function parse(command: Command, args: readonly string[]) {
  const options = { ...GLOBAL_OPTIONS, ...command.options };
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (cause) {
    const { code, message } = cause as { code?: string; message: string };
    if (!code?.startsWith('ERR_PARSE_ARGS')) throw cause;
    const given = /'(--[^' ]+)/.exec(message)?.[1] ?? '';
    const nearest = await loadNearest();
    const guess = code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' ? nearest(given.slice(2), Object.keys(options)) : undefined;
    const plain =
      code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' ? `There is no option ${given || 'like that'}.` : `${message}.`;
    throw new UsageError(`${plain} ${guess ? `Did you mean --${guess}?` : `Usage: ${command.usage}`}`);
  }
}

/** What to tell about an error, and the exit status. Only a bug shows its stack. */
function explain(error: unknown): { status: number; message: string; code?: string } {
  if (error instanceof UsageError) return { status: 2, message: error.message, code: 'usage' };
  if (error instanceof CommandError) return { status: 1, message: error.message };
  const { name, message, code, stack } = error as Error & { code?: string };
  // Known by name: the hub and the setup are not loaded for a command that does not need them.
  if (name === 'HubError' || name === 'ConfigError' || name === 'SetupProblem' || name === 'ClusterError') {
    return { status: 1, message, ...(name === 'HubError' && code ? { code } : {}) };
  }
  return { status: 1, message: stack ?? String(error), code: 'internal' };
}
