import type { MaintainServer } from '@atrium/sdk';
import type { Ec2Instance } from '../calls/types.ts';
import type { InstanceRecord } from '../records.ts';
import { TAG } from '../tags.ts';
import type { Round } from './round.ts';

/** What one of our machines is to us. */
export type Kind =
  | { is: 'spare' }
  /** Its server's record names it, or the call that made it. */
  | { is: 'tracked'; server: MaintainServer; record: InstanceRecord }
  /** Its server has no machine that we know of: the record was lost. */
  | { is: 'unclaimed'; server: MaintainServer; record: InstanceRecord | undefined }
  /** Its server has another machine. */
  | { is: 'second'; server: MaintainServer; record: InstanceRecord }
  /** No server. */
  | { is: 'orphan'; name: string | undefined };

export function kindOf(round: Round, seen: Ec2Instance): Kind {
  const tracker = round.tracked.get(seen.id);
  if (!tracker && (round.spares.has(seen.id) || seen.tags[TAG.role] === 'spare')) return { is: 'spare' };
  // The record wins over the tag: that of an adopted or resumed machine may be old.
  const name = tracker?.server ?? seen.tags[TAG.server];
  const server = name === undefined ? undefined : round.servers.get(name);
  if (!server) return { is: 'orphan', name };
  const record = round.records.get(server.id);
  if (record?.instanceId === seen.id) return { is: 'tracked', server, record };
  // A call whose answer never came: the next start finds it by its token.
  if (record?.instanceId === null && record.attempt !== null && record.attempt.token === seen.clientToken)
    return { is: 'tracked', server, record };
  if (!record || (record.instanceId === null && record.attempt === null)) return { is: 'unclaimed', server, record };
  return { is: 'second', server, record };
}

/** For messages: `i-0abc (ada's server)`. */
export function nameOf(seen: Pick<Ec2Instance, 'id'>, server?: Pick<MaintainServer, 'user' | 'name'>): string {
  if (!server) return seen.id;
  return `${seen.id} (${server.user}${server.name === '' ? '' : `/${server.name}`})`;
}
