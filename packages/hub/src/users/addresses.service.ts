import { HubError } from '@atrium/sdk';
import type { DialectAdapter } from 'kysely';
import type { Db } from '../db/types.ts';
import { labelStub, madeUpLabel } from '../subdomains.ts';
import { readNames } from './addresses.repo.ts';

/** Databases of installations where people have hosts of their own. */
const withHosts = new WeakSet<DialectAdapter>();

/** From now on no account is made, and none renamed, whose host would be another one's. */
export function keepHostsApart(db: Db): void {
  withHosts.add(db.getExecutor().adapter);
}

/**
 * A name that cannot be a host's is shortened to a hash of 28 bits (contract §5.5): whoever chooses names can look for one
 * that has somebody's host, and a page there would be theirs to everybody's browser. Nothing but such names can meet. After
 * new accounts are written, in their transaction: their numbers come from a counter's row, so of two hubs one waits here.
 * @throws HubError `name_taken`
 */
export async function checkAddresses(db: Db, people: readonly { id: number; name: string }[]): Promise<void> {
  if (!withHosts.has(db.getExecutor().adapter)) return;
  const wanted = new Map<string, number>();
  for (const { id, name } of people) {
    const label = madeUpLabel(name);
    if (label === undefined) continue;
    if (wanted.has(label)) throw addressTaken(name);
    wanted.set(label, id);
  }
  if (wanted.size === 0) return;
  const stubs = new Set(people.map(({ name }) => labelStub(name)));
  for (const { id, name } of await readNames(db)) {
    if (!stubs.has(labelStub(name))) continue;
    const whose = wanted.get(madeUpLabel(name) ?? '');
    if (whose === undefined || whose === id) continue;
    throw addressTaken(people.find((one) => one.id === whose)?.name ?? '');
  }
}

const addressTaken = (name: string) =>
  new HubError('name_taken', `Another account has the address of the name ${name}. Use another name.`);
