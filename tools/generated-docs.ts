import { costPage } from '@atrium/cluster';
import { SCOPES } from '@atrium/sdk';
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
  return `<!-- Generated from the program itself; \`npm run docs\` writes it anew. -->

# Scopes

What a token may do is a list of scopes. A scope includes those in the third column, and what these include. A filter narrows it: \`read:users!user=ada\`, \`servers!server=ada/thesis\`, \`!user\` for its owner. \`inherit\` stands for everything its owner may do. Names and meaning are those of JupyterHub.

| Scope | Allows to | Includes |
|---|---|---|
${rows.join('\n')}
`;
}
