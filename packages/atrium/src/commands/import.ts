import { readFileSync } from 'node:fs';
import type { ImportReport, TableReport, UndoReport } from '@atrium/hub';
import { askerFor } from '../cli/ask.ts';
import { CommandError, defineCommand, UsageError } from '../cli/command.ts';

/** The hub brings its database drivers along: loaded when this command runs, and not before. */
const loadHub = () => import('@atrium/hub');

export const importJupyterHub = defineCommand({
  name: 'import jupyterhub',
  usage: 'atrium import jupyterhub --db <file or URL> [--cookie-secret-file <file>] [--apply]',
  summary: 'Take over people, groups, roles, services, tokens, named servers and sign-ins of a JupyterHub',
  details:
    'Reads the database of JupyterHub 4, 5 or 6 and changes nothing in it. Without --apply it only says what would be ' +
    'taken over, table by table, and what not and why. What is taken over once is not taken again; nothing is taken when ' +
    'anything fails. --undo takes back what the newest import added and nobody has changed since. The password of a ' +
    'PostgreSQL database comes from PGPASSWORD or ~/.pgpass.',
  options: {
    db: { type: 'string', value: '<file>', summary: 'jupyterhub.sqlite, or the URL of c.JupyterHub.db_url' },
    'cookie-secret-file': {
      type: 'string',
      value: '<file>',
      summary: 'jupyterhub_cookie_secret: who is signed in there stays so here',
    },
    'crypt-keys-file': {
      type: 'string',
      value: '<file>',
      summary: 'What JUPYTERHUB_CRYPT_KEY says, to take over auth state (keepAuthState)',
    },
    'dry-run': { type: 'boolean', summary: 'Only say what would happen (so it is without --apply)' },
    apply: { type: 'boolean', summary: 'Carry it out' },
    undo: { type: 'boolean', summary: 'Take the newest import back; with --apply, really' },
  },
  async run({ values }) {
    const apply = values.apply ?? false;
    if (apply && values['dry-run']) throw new UsageError('--apply and --dry-run contradict each other.');
    const { ask } = askerFor(values);
    if (values.undo) {
      if (values.db !== undefined) throw new UsageError('--undo needs no --db: the hub knows what it took over.');
      const report = await ask<UndoReport>('import-undo', { apply });
      return { json: report, text: undoText(report) };
    }
    if (values.db === undefined) throw new UsageError('--db is missing: the file jupyterhub.sqlite, or a URL.');
    const hub = await loadHub();
    const keysFile = values['crypt-keys-file'];
    const secretFile = values['cookie-secret-file'];
    const cookieSecret = secretFile === undefined ? undefined : hub.cookieSecretIn(read(secretFile)).reveal();
    const source = await hub.readJupyterHub({
      db: values.db,
      folder: process.cwd(),
      cryptKeys: keysFile === undefined ? [] : hub.cryptKeysIn(read(keysFile)),
    });
    const request = { source, apply, ...(cookieSecret !== undefined && { cookieSecret }) };
    const report = await ask<ImportReport>('import-jupyterhub', request);
    return { json: report, text: importText(report) };
  },
});

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

function importText({ applied, from, version, tables, todo }: ImportReport): string {
  const head = `JupyterHub ${version}, ${from}`;
  const end = applied
    ? 'Taken over. To take it back: atrium import jupyterhub --undo --apply'
    : 'Nothing was changed. To carry it out, add --apply.';
  const advice = todo.map((line) => `To do: ${line}`);
  return [head, '', ...tables.filter(isWorthALine).flatMap(linesOf('taken', 'here already')), '', ...advice, end].join(
    '\n',
  );
}

function undoText({ applied, from, at, tables }: UndoReport): string {
  const when = new Date(at).toISOString().slice(0, 16).replace('T', ' ');
  const end = applied ? 'Taken back.' : 'Nothing was changed. To carry it out, add --apply.';
  const lines = tables.filter(isWorthALine).flatMap(linesOf('taken back', 'gone already'));
  return [`What was taken over from ${from} at ${when} UTC`, '', ...lines, '', end].join('\n');
}

const isWorthALine = ({ found }: TableReport) => found > 0;

/** More names than this are only in the JSON. */
const MOST_NAMES = 12;

const linesOf = (taken: string, there: string) => (table: TableReport) => {
  const skipped = table.skipped.reduce((sum, { names }) => sum + names.length, 0);
  const counts = [`${table.taken} of ${table.found} ${taken}`];
  if (table.there > 0) counts.push(`${table.there} ${there}`);
  if (skipped > 0) counts.push(`${skipped} left out`);
  return [
    `${table.table}: ${counts.join(', ')}`,
    ...table.changed.map((remark) => `  changed: ${remarkLine(remark)}`),
    ...table.skipped.map((remark) => `  left out: ${remarkLine(remark)}`),
  ];
};

function remarkLine({ why, names }: TableReport['changed'][number]): string {
  const more = names.length - MOST_NAMES;
  const shown = names.slice(0, MOST_NAMES).join(', ');
  return `${shown}${more > 0 ? ` and ${more} more (--json names them)` : ''}: ${why}`;
}
