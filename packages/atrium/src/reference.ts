import { password } from '@atrium/auth-password';
import { sharedPassword } from '@atrium/auth-shared-password';
import { configReference, pluginReference } from '@atrium/hub/config';
import { Secret } from '@atrium/sdk';
import { ec2Spawner } from '@atrium/spawner-ec2';
import { echoSpawner } from '@atrium/spawner-echo';
import { processSpawner } from '@atrium/spawner-process';
import { commandReference } from './cli/help.ts';
import { COMMANDS } from './commands/index.ts';

const GENERATED = '<!-- Generated from the program itself; `npm run docs` writes it anew. -->';

/** docs/reference/config.md */
export function configPage(): string {
  const plugins = [
    ['password()', 'authenticator', 'Accounts with passwords of their own, kept by the hub.', password()],
    [
      'sharedPassword()',
      'authenticator',
      'One password for a workshop, others for its staff.',
      sharedPassword({ password: new Secret('') }),
    ],
    ['processSpawner()', 'spawner', 'Each server is a process of this machine.', processSpawner()],
    ['ec2Spawner()', 'spawner', 'Each person has an EC2 instance of their own.', ec2Spawner()],
    ['echoSpawner()', 'spawner', 'Starts nothing; for tests and load.', echoSpawner()],
  ] as const;
  return page(
    'Configuration',
    'Settings of `atrium.config.ts`, which exports `defineConfig({ … })` as its default. Every setting has a default; an unknown one is ' +
      'an error that names the nearest. A duration is a number of seconds, or a length such as `90s`, `10m`, `1h`, `2d`. A secret ' +
      "is `secret.env('NAME')` or `secret.file('/path')`. `atrium config check` says what is wrong, `atrium config show` what is " +
      'in force and where it comes from.',
    configReference(),
    ...plugins.map(
      ([name, kind, what, { config }]) =>
        `## ${name}\n\nA plug-in for \`${kind}\`. ${what}\n\n${pluginReference(config)}`,
    ),
  );
}

/** docs/reference/command.md */
export function commandPage(): string {
  return page(
    'The atrium command',
    'Standard output carries the answer and nothing else; everything said along the way goes to standard error. Exit status: 0 ' +
      'done, 1 failed, 2 the command line cannot be read. While a hub runs, commands ask it through a socket that only its ' +
      'account and root can open; otherwise they open the database themselves. In a clone, `npx atrium` is the command.',
    'Without `--data-dir` the data directory is `$ATRIUM_DATA_DIR`, else `/var/lib/atrium` for root, else ' +
      '`~/.local/share/atrium` (macOS: `~/Library/Application Support/atrium`). `npm start` keeps its data in `.atrium` of the ' +
      'clone: give `--data-dir .atrium` to the other commands. Without `--config` the configuration is `atrium.config.ts` of ' +
      'the current folder, else of the data directory; else the defaults hold.',
    commandReference(COMMANDS),
  );
}

const page = (title: string, ...parts: string[]) => `${[GENERATED, `# ${title}`, ...parts].join('\n\n')}\n`;
