import { type Asker, askerFor } from '../cli/ask.ts';
import { CommandError, defineCommand } from '../cli/command.ts';
import { askPassword, passwordFromInput } from '../cli/password.ts';
import { readState } from '../up/state.ts';

const passwordStdin = { type: 'boolean', summary: 'Read the password from standard input' } as const;

interface Link {
  path: string;
  expiresAt: number;
}

/** A link as it can be sent to somebody: whole when a hub runs, else the path alone. */
function linkFor({ places }: Asker, { path }: Link): string {
  const url = readState(places)?.url;
  return url ? new URL(path, url).href : path;
}

export const userAdd = defineCommand({
  name: 'user add',
  usage: 'atrium user add <name> [--admin] [--password-stdin]',
  summary: 'Make an account that may sign in',
  details: 'Without a password it prints a link by which the person chooses one. The link works once.',
  positionals: { min: 1, max: 1 },
  options: { admin: { type: 'boolean', summary: 'As an administrator' }, 'password-stdin': passwordStdin },
  async run({ args: [name], values }) {
    const asker = askerFor(values);
    const password = values['password-stdin'] ? await passwordFromInput() : undefined;
    const input = { name, admin: values.admin ?? false, ...(password === undefined ? {} : { password }) };
    const added = await asker.ask<{ name: string; admin: boolean; link: Link | null }>('user-add', input);
    const link = added.link && linkFor(asker, added.link);
    const what = added.admin ? 'administrator' : 'user';
    const until = added.link ? new Date(added.link.expiresAt).toISOString() : undefined;
    const text = `Added the ${what} ${added.name}.${link ? ` To choose a password (until ${until}):\n${link}` : ''}`;
    return { json: { name: added.name, admin: added.admin, link, linkExpiresAt: until ?? null }, text };
  },
});

interface ListedUser {
  name: string;
  admin: boolean;
  pending: boolean;
  blocked: boolean;
  servers: string[];
  lastActivity: number | null;
}

export const userList = defineCommand({
  name: 'user list',
  usage: 'atrium user list',
  summary: 'List all accounts',
  options: {},
  async run({ values }) {
    const users = await askerFor(values).ask<ListedUser[]>('user-list');
    const width = Math.max(4, ...users.map(({ name }) => name.length));
    const lines = users.map((user) => {
      const notes = [
        user.admin && 'administrator',
        user.pending && 'waits for approval',
        user.blocked && 'blocked',
        user.servers.length > 0 && `${user.servers.length} active`,
      ].filter(Boolean);
      const seen = user.lastActivity === null ? 'never seen' : new Date(user.lastActivity).toISOString().slice(0, 16);
      return `${user.name.padEnd(width)}  ${seen}  ${notes.join(', ')}`.trimEnd();
    });
    return { json: users, text: lines.length > 0 ? lines.join('\n') : 'There are no users yet.' };
  },
});

export const userRemove = defineCommand({
  name: 'user remove',
  usage: 'atrium user remove <name> [--yes]',
  summary: 'Remove an account; its servers are stopped first',
  details:
    'What happens to the home folder is said by the setting onUserDelete. When it is deleted too, --yes is needed.',
  positionals: { min: 1, max: 1 },
  options: { yes: { type: 'boolean', summary: 'Delete the home folder too, where the configuration says so' } },
  async run({ args: [name], values }) {
    const asker = askerFor(values);
    const { onUserDelete } = await asker.ask<{ onUserDelete: string }>('settings');
    if (onUserDelete === 'delete-home' && !values.yes) {
      throw new CommandError(`This deletes the home folder of ${name} for good. If that is meant, add --yes.`);
    }
    const isOffline = readState(asker.places) === undefined;
    const users = isOffline ? await asker.ask<ListedUser[]>('user-list') : [];
    if (users.some((user) => user.name === name && user.servers.length > 0)) {
      throw new CommandError(`A server of ${name} still runs, and only a running hub can stop it. First: atrium up`);
    }
    const removed = await asker.ask<{ name: string; home: string }>('user-remove', { name });
    const home = removed.home === 'keep-home' ? 'The home folder is kept.' : 'The home folder is deleted.';
    return { json: removed, text: `Removed ${removed.name}. ${home}` };
  },
});

export const userPasswd = defineCommand({
  name: 'user passwd',
  usage: 'atrium user passwd <name> [--admin] [--password-stdin]',
  summary: 'Give an account a new password',
  details: 'For a forgotten one, of an administrator too. Every browser signed in with the old one is signed out.',
  positionals: { min: 1, max: 1 },
  options: { admin: { type: 'boolean', summary: 'Make it an administrator as well' }, 'password-stdin': passwordStdin },
  async run({ args: [name = ''], values }) {
    const password = values['password-stdin'] ? await passwordFromInput() : await askPassword(name);
    const input = { name, password, admin: values.admin ?? false };
    const changed = await askerFor(values).ask<{ name: string; admin: boolean }>('user-passwd', input);
    return { json: changed, text: `${changed.name} has a new password.` };
  },
});
