import { randomId } from '../../keys.ts';
import { validDisplayName, validServerName } from '../../servers/servers.service.ts';
import { insertServer, serversHere } from '../import.repo.ts';
import { keyOf } from '../ledger.repo.ts';
import type { Source } from '../source/schema.ts';
import type { Taking } from '../taking.ts';

/** Characters as JSON: they are read with the row, everywhere. */
const MOST_OPTIONS = 65_536;
const LONGEST_NAME = 30;

/** Named servers, and default ones that were started with options: what people chose is there again. */
export async function takeServers(taking: Taking): Promise<void> {
  const { ctx, source } = taking;
  const count = taking.count('spawners', source.servers.length);
  const here = await serversHere(ctx.db);
  const ids = new Set(here.values());
  const shared = new Set([...source.shares, ...source.shareCodes].map(({ owner, server }) => keyOf(owner, server)));
  for (const server of source.servers) {
    await taking.breathe();
    const shown = `${server.user}/${server.name}`;
    const theirs = keyOf(server.user, server.name);
    if (server.running) {
      count.change(shown, 'runs there, as something this hub cannot take over; here it is a stopped server');
    }
    const before = taking.earlier('server', theirs);
    if (taking.wasTaken(count, 'server', theirs, shown, (id) => ids.has(id))) {
      if (before !== undefined && ids.has(before)) taking.servers.set(theirs, before);
      continue;
    }
    const userId = taking.users.get(server.user);
    if (userId === undefined) {
      count.skip(shown, 'its owner is not taken over');
      continue;
    }
    const same = here.get(`${userId}/${server.name}`);
    if (same !== undefined) taking.servers.set(theirs, same);
    if (server.name === '' && Object.keys(server.options).length === 0 && !shared.has(theirs)) {
      count.skip(shown, 'a default server without options: there is nothing to keep');
      continue;
    }
    if (same !== undefined) {
      count.there(shown);
      continue;
    }
    const name = nameFor(server.name, (one) => here.has(`${userId}/${one}`));
    if (name !== server.name)
      count.change(`${shown} → ${name}`, 'its name cannot be one here; it is the display name now');
    const { options, text } = optionsOf(server);
    if (!options) count.change(shown, 'its options are too long and are left out');
    const now = ctx.clock.now();
    const id = randomId();
    await insertServer(ctx.db, {
      id,
      userId,
      name,
      displayName: displayNameOf(server, name),
      userOptions: text,
      spawnerId: ctx.spawner.id,
      created: server.created ?? now,
      lastActivity: server.lastActivity,
    });
    here.set(`${userId}/${name}`, id);
    taking.servers.set(theirs, id);
    taking.add('server', theirs, id);
    count.take();
  }
  sayWhatRuns(taking);
}

function sayWhatRuns({ source, todo }: Taking): void {
  const running = source.servers.filter((server) => server.running).map(({ user, name }) => `${user}/${name}`);
  if (running.length === 0) return;
  todo.push(
    `${running.length === 1 ? 'A server runs' : `${running.length} servers run`} under JupyterHub and cannot be taken ` +
      `over: stop ${running.length === 1 ? 'it' : 'them'} there before people come here: ${running.join(', ')}`,
  );
}

function optionsOf({ options }: Source['servers'][number]): { options: boolean; text: string } {
  const text = JSON.stringify(options);
  return text.length <= MOST_OPTIONS ? { options: true, text } : { options: false, text: '{}' };
}

/** Names of JupyterHub 5 had no rule. As its successor does, one that has to change becomes the nearest that will do. */
function nameFor(name: string, isTaken: (name: string) => boolean): string {
  if (name === '' || validServerName(name)) return name;
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, LONGEST_NAME - 4)
    .replace(/-+$/, '');
  const base = plain || 'server';
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? base : `${base}-${number}`;
    if (!isTaken(candidate)) return candidate;
  }
}

function displayNameOf({ displayName, name }: Source['servers'][number], newName: string): string {
  const wanted = displayName || name;
  return validDisplayName(wanted) ? wanted : newName;
}
