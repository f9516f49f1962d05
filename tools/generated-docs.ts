import { type ConfiguredAuthenticator, type ConfiguredSpawner, SCOPES, Secret } from '@atrium/sdk';
import { password, processSpawner, sharedPassword } from 'atrium';
import { commandReference } from '../packages/atrium/src/cli/help.ts';
import { COMMANDS } from '../packages/atrium/src/commands/index.ts';
import { configReference, pluginReference } from '../packages/hub/src/config/index.ts';

const NOTE = '<!-- Made from the source by `npm run docs`. Do not edit. -->';

const DURATIONS =
  'A duration is a number of seconds, or a text such as `90s`, `10m`, `1h`, `2d`. A secret is written as ' +
  '`secret.env(…)` or `secret.file(…)`, never as a plain text.';

/** The pages of `docs/reference` that the source writes: path from the root → text. */
export function generatedDocs(): Record<string, string> {
  return {
    'docs/reference/config.md': document(
      'Configuration',
      'Every setting of `atrium.config.ts`. A dot stands for nesting: `idle.stopAfter` is ' +
        '`defineConfig({ idle: { stopAfter: … } })`. How to write the file: [Configure](../how-to/configure.md).',
      DURATIONS,
      'The options of sign-in and of what runs the servers are on [a page of their own](plugins.md).',
      configReference(),
    ),
    'docs/reference/command.md': document(
      'The command',
      '`atrium --help` lists the commands, `atrium <command> --help` says more about one. In a clone write `npx atrium`.',
      'The answer goes to standard output, everything else to standard error. Exit status: 0 done, 1 failed (or bad ' +
        'news, as from `status` when nothing runs), 2 the command line cannot be read. With `--json` an error is ' +
        '`{"error": {"message": …}}` on standard error.',
      'Without `--data-dir` the data directory is `$ATRIUM_DATA_DIR`, else `/var/lib/atrium` for root, else ' +
        '`~/.local/share/atrium` (macOS: `~/Library/Application Support/atrium`). `npm start` uses `.atrium` in the ' +
        'clone: give `--data-dir .atrium` to the other commands. Without `--config` the configuration is ' +
        '`atrium.config.ts` of the current folder, else of the data directory, else the defaults hold.',
      commandReference(COMMANDS),
    ),
    'docs/reference/plugins.md': document(
      'Plug-ins and their options',
      'A plug-in is imported from `atrium` and called with its options: ' +
        "`authenticator: password({ signUp: 'open' })`. To write one: [Write a plug-in](../how-to/write-a-plugin.md).",
      DURATIONS,
      plugin('password()', 'Accounts with passwords of their own, kept by the hub. The default.', password()),
      plugin(
        'sharedPassword()',
        'One password for a workshop, another for each of its staff.',
        sharedPassword({ password: new Secret('x') }),
      ),
      plugin(
        'processSpawner()',
        'Each server is a process of this machine, kept apart from others as far as the machine allows. The default.',
        processSpawner(),
      ),
      'There is also `echoSpawner()`, which starts nothing and answers for everybody with one tiny server: for tests and load.',
    ),
    'docs/reference/scopes.md': document(
      'Scopes',
      'What a token may do is a list of scopes. A scope includes those in the third column, and what these include. ' +
        'A filter narrows it: `read:users!user=ada`, `servers!server=ada/thesis`, `!user` for its owner. `inherit` stands ' +
        'for everything its owner may do. Names and meaning are those of JupyterHub.',
      [
        '| Scope | Allows to | Includes |',
        '|---|---|---|',
        ...Object.entries(SCOPES).map(
          ([name, { words, includes }]) =>
            `| \`${name}\` | ${words} | ${includes.map((each) => `\`${each}\``).join(', ')} |`,
        ),
      ].join('\n'),
    ),
  };
}

const document = (title: string, ...parts: string[]) => `${[`# ${title}`, NOTE, ...parts].join('\n\n')}\n`;

const plugin = (call: string, summary: string, { config }: ConfiguredAuthenticator | ConfiguredSpawner) =>
  [`## ${call}`, summary, pluginReference(config)].join('\n\n');
