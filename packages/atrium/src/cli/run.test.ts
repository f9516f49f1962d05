import { expect, test } from 'vitest';
import { CommandError, defineCommand, UsageError } from './command.ts';
import { runCommandLine } from './run.ts';

const COMMANDS = [
  defineCommand({
    name: 'greet',
    usage: 'atrium greet <name> [--loud]',
    summary: 'Greet somebody',
    positionals: { min: 1, max: 1 },
    options: { loud: { type: 'boolean', summary: 'With a bang' } },
    async run({ args: [name], values }, terminal) {
      terminal.say('thinking');
      if (name === 'nobody') throw new CommandError('There is nobody.');
      if (name === '-') throw new UsageError('That is no name.');
      return { json: { name }, text: `Hello ${name}${values.loud ? '!' : ''}` };
    },
  }),
  defineCommand({
    name: 'user add',
    usage: 'atrium user add',
    summary: 'Add',
    options: {},
    run: async () => undefined,
  }),
];

async function run(...argv: string[]) {
  const written = { out: '', err: '' };
  const stream = (name: 'out' | 'err') => ({ write: (text: string) => (written[name] += text) });
  const code = await runCommandLine(argv, COMMANDS, { out: stream('out'), err: stream('err') });
  return { code, ...written };
}

test('only the answer is on standard output', async () => {
  expect(await run('greet', 'ada', '--loud')).toEqual({ code: 0, out: 'Hello ada!\n', err: 'thinking\n' });
  expect(await run('greet', 'ada', '--json')).toEqual({ code: 0, out: '{"name":"ada"}\n', err: 'thinking\n' });
});

test('nothing that somebody else wrote commands the terminal', async () => {
  const nasty = 'a\x1b[2Jb\x1b]0;title\x07c\rd\u009b1me\tf\ng';

  expect((await run('greet', nasty)).out).toBe('Hello abcde\tf\ng\n');
});

test('a failure is status 1 and says itself on standard error, as JSON where that was asked for', async () => {
  expect(await run('greet', 'nobody')).toEqual({ code: 1, out: '', err: 'thinking\nThere is nobody.\n' });
  const { err } = await run('greet', 'nobody', '--json');
  expect(JSON.parse(err.split('\n')[1] ?? '')).toEqual({ error: { message: 'There is nobody.' } });
});

test('a command line that cannot be read is status 2 and names what was meant', async () => {
  const told = async (...argv: string[]) => {
    const { code, out, err } = await run(...argv);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    return err;
  };
  expect(await told('gret', 'ada')).toContain('Did you mean: atrium greet');
  expect(await told('user')).toContain('There is: atrium user add');
  expect(await told('user', 'ad')).toContain('Did you mean: atrium user add');
  expect(await told('greet', 'ada', '--lound')).toContain('Did you mean --loud?');
  expect(await told('greet')).toContain('Usage: atrium greet <name>');
  expect(await told('greet', 'ada', 'bob')).toContain('What is "bob" for?');
});

test('help is made from the data', async () => {
  const { out } = await run('greet', '--help');
  expect(out).toContain('Usage: atrium greet <name> [--loud]');
  expect(out).toContain('With a bang');
  expect((await run()).out).toContain('Greet somebody');
});
