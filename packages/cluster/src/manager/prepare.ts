import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Clock } from '@atrium/sdk';
import { awsClients } from '../aws/clients.ts';
import { ClusterError } from '../config.ts';
import { mountHubDisk } from './disk.ts';
import { type FirstAdminLink, publishFirstAdmin } from './first-admin.ts';
import { instanceFacts } from './metadata.ts';
import { writeSettings } from './settings.ts';

const run = promisify(execFile);

export interface PrepareInput {
  cluster: string;
  root: string;
  /** Whether services are told that their settings changed. */
  units: boolean;
  /** Without it this is a machine of AWS, which says so itself. */
  privateIp?: string;
  /** Address of the metadata service, where it is not AWS's own. */
  metadata?: string | undefined;
  /** What the hub of this machine offers, if it runs and has no administrator. */
  firstAdmin?: FirstAdminLink | undefined;
  clock: Clock;
  say: (text: string) => void;
}

/** What the manager does before the hub starts, and once a minute: its disk, its settings. */
export async function prepareManager(input: PrepareInput): Promise<string[]> {
  const { cluster, root, clock, say } = input;
  const facts = input.privateIp === undefined ? await instanceFacts(input.metadata) : undefined;
  const aws = awsClients(facts?.region);
  if (facts) await mountHubDisk({ cluster, instanceId: facts.instanceId, aws, clock, say, root });
  const privateIp = input.privateIp ?? facts?.privateIp;
  if (!privateIp) throw new ClusterError('The address of this machine is not known.');
  const changed = await writeSettings({ cluster, aws, clock, root, privateIp });
  await publishFirstAdmin(aws, cluster, input.firstAdmin);
  if (input.units && changed.length > 0) await tellUnits(changed);
  return changed;
}

/** Only units that run: at boot they wait for this. */
async function tellUnits(changed: readonly string[]): Promise<void> {
  const front = changed.some((path) => /tls\/|nginx/.test(path));
  // Secrets are read when a process starts; the configuration and the facts by a reload, too.
  const hub = changed.some((path) => /secrets\.env|cluster\.json/.test(path)) ? 'try-restart' : 'try-reload-or-restart';
  if (front) await run('systemctl', ['try-reload-or-restart', 'atrium-front.service']);
  if (changed.some((path) => !/tls\/|nginx/.test(path))) await run('systemctl', [hub, 'atrium.service']);
}
