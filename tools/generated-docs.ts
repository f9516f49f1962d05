import { costPage } from '@atrium/cluster';
import { DEFAULT_ROLES } from '@atrium/hub';
import { SCOPES, SELF_SCOPES } from '@atrium/sdk';
import { commandPage, configPage } from '../packages/atrium/src/reference.ts';

/** The pages that the source writes: path from the root → text. */
export function generatedDocs(): Record<string, string> {
  return {
    'docs/reference/config.md': configPage(),
    'docs/reference/command.md': commandPage(),
    'docs/aws/costs.md': costPage(),
    'docs/reference/scopes.md': scopesPage(),
  };
}

function scopesPage(): string {
  const rows = Object.entries(SCOPES).map(
    ([name, { words, includes }]) => `| \`${name}\` | ${words} | ${includes.map((each) => `\`${each}\``).join(', ')} |`,
  );
  const roles = DEFAULT_ROLES.map(
    ({ name, scopes }) => `| \`${name}\` | ${scopes.map((each) => `\`${each}\``).join(', ')} |`,
  );
  return `<!-- Generated from the program itself; \`npm run docs\` writes it anew. -->

# Scopes

What a token may do is a list of scopes. A scope includes those in the third column, and what these include. A filter narrows it: \`read:users!user=ada\`, \`servers!server=ada/thesis\`, \`!user\` for its owner. \`inherit\` stands for everything its owner may do. Names and meaning are those of JupyterHub.

| Scope | Allows to | Includes |
|---|---|---|
${rows.join('\n')}

## Shorthand

| Written | Stands for |
|---|---|
| \`self\` | ${SELF_SCOPES.map((each) => `\`${each}\``).join(', ')}, each for oneself only; nothing for a service |
| \`inherit\` | everything the owner of the token may do now |
| \`…!user\`, \`…!server\`, \`…!service\` | the token's owner; the server or the service it was made for; left out where there is none |

## Filters

\`!user=ada\`, \`!group=bio-101\`, \`!server=ada/thesis\` (the default server is \`ada/\`), \`!service=grader\`. A filter holds for all that a scope includes; one for a server leaves out \`read:users\` and what that includes. A group covers its people, a person their servers. Scopes of the same name add up.

## Roles

Scopes come to people, groups and services by [roles](../how-to/roles.md). Default roles:

| Role | Scopes |
|---|---|
${roles.join('\n')}

Beside these an installation may have [scopes of its own](../how-to/roles.md#scopes-of-your-own), \`custom:…\`.
`;
}
