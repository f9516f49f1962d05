import { askerFor } from '../cli/ask.ts';
import { CommandError, defineCommand } from '../cli/command.ts';

interface Member {
  name: string;
  sources: ('administrator' | 'configuration' | 'sign-in')[];
}

interface Group {
  name: string;
  members: Member[];
}

/** Only what cannot be changed here needs a word. */
const written = ({ name, sources }: Member) =>
  sources.includes('administrator') ? name : `${name} (by ${sources.join(' and ')})`;

const line = ({ name, members }: Group, width = name.length) =>
  `${name.padEnd(width)}  ${members.length > 0 ? members.map(written).join(', ') : 'nobody'}`;

export const groupList = defineCommand({
  name: 'group list',
  usage: 'atrium group list [<group>]',
  summary: 'List the groups and who is in them',
  details: 'Also those of the configuration, and those that the sign-in tells of; then it says so.',
  positionals: { min: 0, max: 1 },
  options: {},
  async run({ args: [only], values }) {
    const all = await askerFor(values).ask<Group[]>('group-list');
    const groups = only === undefined ? all : all.filter(({ name }) => name === only);
    if (only !== undefined && groups.length === 0) throw new CommandError(`There is no group ${only}.`);
    const width = Math.max(...groups.map(({ name }) => name.length));
    const text = groups.map((group) => line(group, width)).join('\n');
    return { json: groups, text: text || 'There are no groups yet.' };
  },
});

export const groupAdd = defineCommand({
  name: 'group add',
  usage: 'atrium group add <group> [<user> …]',
  summary: 'Put people into a group, and make it when there is none',
  positionals: { min: 1, max: 10_000 },
  options: {},
  async run({ args: [name, ...users], values }) {
    const { group } = await askerFor(values).ask<{ group: Group }>('group-add', { name, users });
    return { json: group, text: line(group) };
  },
});

export const groupRemove = defineCommand({
  name: 'group remove',
  usage: 'atrium group remove <group> <user> …',
  summary: 'Take people out of a group',
  details: 'Memberships of the configuration and of the sign-in are changed there.',
  positionals: { min: 2, max: 10_000 },
  options: {},
  async run({ args: [name, ...users], values }) {
    const { group } = await askerFor(values).ask<{ group: Group }>('group-remove', { name, users });
    return { json: group, text: line(group) };
  },
});

export const groupDelete = defineCommand({
  name: 'group delete',
  usage: 'atrium group delete <group>',
  summary: 'Delete a group; the people in it stay',
  positionals: { min: 1, max: 1 },
  options: {},
  async run({ args: [name], values }) {
    const deleted = await askerFor(values).ask<{ name: string }>('group-delete', { name });
    return { json: deleted, text: `Deleted the group ${deleted.name}.` };
  },
});
