import { HubError, type Json, type WorkerIo, type WorkerRequest, type WorkerServer } from '@atrium/sdk';
import { z } from 'zod';
import type { Ec2Instance } from '../calls/types.ts';
import { attachHome } from '../homes/attach-home.ts';
import { ensureHome } from '../homes/ensure-home.ts';
import { type InstanceRecord, isClosed, ownRecord, serverOf, writeRecord } from '../records.ts';
import type { Ec2Spec } from '../spec.ts';
import { TAG } from '../tags.ts';
import { noteAlert } from '../troubles.ts';
import type { Ec2World } from '../world.ts';
import { type IdentityDocument, type IdentityVerifier, NotBelieved } from './identity.ts';
import { loginOf } from './login.ts';
import { type MachineSession, newSecret, readSession, writeSession } from './session.ts';

const Hello = z.object({
  document: z.string().min(1).max(8192),
  pkcs7: z.string().min(1).max(49_152),
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
  agent: z.string().max(64).optional(),
  bootId: z.string().min(1).max(64),
});
type Hello = z.output<typeof Hello>;

/** What EC2 says and what the document says of one moment may differ by so much. */
const SLACK_MS = 30_000;
/** Reboots of one start: more is no machine of ours. */
const MOST_BOOTS = 4;
const HEARTBEAT_SECONDS = 30;
const YEAR_MS = 365 * 86_400_000;

/**
 * A machine introduces itself. It is believed when AWS's signature says which instance it is, that instance is the one
 * tracked for a start that is under way, and it calls from that instance's address; it then gets its server's
 * environment with a token of its own. @throws HubError
 */
export async function hello(
  world: Ec2World,
  verify: IdentityVerifier,
  { body, peer }: WorkerRequest,
  io: WorkerIo,
): Promise<Json> {
  const parsed = Hello.safeParse(body);
  if (!parsed.success) throw refused(peer, 'the message is not as it should be');
  const asked = parsed.data;
  let document: IdentityDocument;
  try {
    document = verify(asked.document, asked.pkcs7, world.clock.now());
  } catch (error) {
    if (error instanceof NotBelieved) throw refused(peer, error.message);
    throw error;
  }
  const { instanceId } = document;
  const no = (why: string) => refused(peer, why, { instance: instanceId });

  const seen = await world.instances.look(instanceId, 2_000, { signal: io.signal });
  if (!seen) throw no('EC2 knows no such instance');
  checkMachine(world, document, seen, peer, no);

  const server = await serverOf(io.store, instanceId);
  const record = server === undefined ? undefined : await ownRecord(io.store, world.cluster.id, server);
  if (!record || record.instanceId !== instanceId) {
    // Its launch is younger than what we have written about it; or it is a spare that nobody has taken.
    if (seen.tags[TAG.clusterId] === world.cluster.id) {
      const leaseUntil = world.clock.now() + world.config.agent.leaseMinutes * 60_000;
      return { wait: 5, message: 'this machine is nobody’s yet', leaseUntil };
    }
    throw no('no server is on this instance');
  }
  if (document.pendingTime < record.startedAt - SLACK_MS) throw no('the document is older than the last start');
  const row = await io.find(record.server);
  if (!row || row.phase === 'stopping' || row.generation !== record.generation) return wait(5, 'no start is under way');
  if (row.phase !== 'starting') throw no('the server is up already');
  if (await isClosed(io.store, world.cluster.id, record.server, record.generation))
    return wait(5, 'it is being stopped');
  if (record.stale) return wait(5, 'this machine is to restart first');

  const boots = bootsWith(await readSession(io.store, record.server), record, asked);
  if (typeof boots === 'string') {
    await noteAlert(world, io.store, instanceId, {
      code: 'worker_impersonated',
      message: `Something on the machine of ${record.user} (${instanceId}) asked for its server's token and was refused: ${boots}.`,
    });
    throw no(boots);
  }
  const spec = row.spec as Ec2Spec;
  const home = await homeStep(world, record, spec, seen, io);
  if ('wait' in home) return home;
  return answer(world, { record, row, spec, seen, boots, home }, io);
}

/** What the signed document says against what EC2 says now. */
function checkMachine(
  world: Ec2World,
  document: IdentityDocument,
  seen: Ec2Instance,
  peer: string,
  no: (why: string) => HubError,
): void {
  const { accountId = seen.ownerId } = world.config.identity;
  if (accountId !== document.accountId) throw no('the document is of another account');
  if (world.config.region !== undefined && document.region !== world.config.region) throw no('it is of another region');
  if (!seen.zone.startsWith(document.region)) throw no('the document is of another region');
  if (seen.state !== 'running' && seen.state !== 'pending') throw no(`the instance is ${seen.state}`);
  if (document.privateIp !== seen.privateIp) throw no('the document has another address than the instance');
  if (plain(peer) !== seen.privateIp) throw no('it calls from another address than its own');
  if (document.pendingTime < seen.launchedAt - SLACK_MS) throw no('the document is of an earlier boot');
}

const plain = (peer: string): string => peer.replace(/^::ffff:/i, '');

/** The first to ask in a boot is the machine; another in the same boot is not, and that is worth an alarm: why. */
function bootsWith(
  session: MachineSession | undefined,
  record: InstanceRecord,
  { bootId, nonce }: Hello,
): MachineSession['boots'] | string {
  const boots =
    session?.generation === record.generation && session.instanceId === record.instanceId ? session.boots : [];
  const known = boots.find((boot) => boot.bootId === bootId);
  if (known && known.nonce !== nonce) return 'another program on the machine asks in its name';
  if (known) return boots;
  if (boots.length >= MOST_BOOTS) return 'it has rebooted too often in this start';
  return [...boots, { bootId, nonce }];
}

type Home = { volume: string; fresh: boolean; sizeGb: number };

/** The home must be on the machine before it is told to look for it; this is the shortest way to get it there. */
async function homeStep(
  world: Ec2World,
  record: InstanceRecord,
  spec: Ec2Spec,
  seen: Ec2Instance,
  io: WorkerIo,
): Promise<Home | { wait: number; message: string }> {
  const want = { storage: spec.storage, user: spec.user, zone: seen.zone, sizeGb: spec.homeGb };
  const home = await ensureHome(world, want, io.signal);
  if (home.state !== 'ready') return { wait: 2, message: home.message };
  const { volumeId, fresh, sizeGb } = home;
  if (!record.attached) {
    if (seen.state !== 'running') return { wait: 1, message: 'the machine is not running yet' };
    const attached = await attachHome(world, { storage: spec.storage, volumeId, instanceId: seen.id }, io.signal);
    if (attached !== 'attached') return { wait: 1, message: 'the home is not attached yet' };
  }
  return { volume: volumeId, fresh, sizeGb };
}

interface Believed {
  record: InstanceRecord;
  row: WorkerServer;
  spec: Ec2Spec;
  seen: Ec2Instance;
  boots: MachineSession['boots'];
  home: Home;
}

async function answer(
  world: Ec2World,
  { record, row, spec, seen, boots, home }: Believed,
  io: WorkerIo,
): Promise<Json> {
  const { config, cluster } = world;
  const host = seen.privateIp!;
  const token = await row.issueToken();
  const { secret, hash } = newSecret(row.id);
  const before = await readSession(io.store, row.id);
  await writeSession(io.store, {
    cluster: cluster.id,
    server: row.id,
    generation: row.generation,
    instanceId: seen.id,
    hash,
    boots,
    answers: before?.generation === row.generation ? before.answers + 1 : 1,
    host,
    port: config.port,
    ready: false,
    fault: null,
  });
  if (!record.attached || record.homeVolume !== home.volume) {
    const current = await ownRecord(io.store, cluster.id, row.id);
    if (current?.instanceId === seen.id) {
      await writeRecord(io.store, { ...current, homeVolume: home.volume, attached: true });
    }
  }
  const now = world.clock.now();
  world.log.info({ server: row.id, instance: seen.id, user: row.user }, 'a machine proved who it is');
  return {
    session: secret,
    server: { id: row.id, generation: row.generation, user: row.user, name: row.name, prefix: row.prefix },
    uid: row.uid,
    login: loginOf(row.user),
    port: config.port,
    env: {
      ...environment(world, row, host),
      JUPYTERHUB_API_TOKEN: token.reveal(),
    },
    command: [...config.command],
    bind: host,
    home,
    heartbeatSeconds: HEARTBEAT_SECONDS,
    leaseUntil: now + config.agent.leaseMinutes * 60_000,
    hardStopAfterMs: config.agent.hardStopHours * 3_600_000,
    maxSessionMs: spec.maxSessionHours === null ? YEAR_MS : spec.maxSessionHours * 3_600_000,
    serverNow: now,
    studentRoot: spec.studentRoot,
  };
}

/** The hub's variables as they are true on the machine: there the hub is at its address in the private network. */
function environment({ config }: Ec2World, row: WorkerServer, host: string): Record<string, string> {
  const api = new URL('api', config.hubUrl).href;
  return {
    ...row.env,
    JUPYTERHUB_API_URL: api,
    JUPYTERHUB_ACTIVITY_URL: `${api}/users/${encodeURIComponent(row.user)}/activity`,
    JUPYTERHUB_SERVICE_URL: `http://${host}:${config.port}${row.prefix}`,
    JUPYTERHUB_DEFAULT_URL: config.defaultUrl,
    ...config.environment,
  };
}

const wait = (seconds: number, message: string): Json => ({ wait: seconds, message });

/** One word for the machine, the reason for the log. */
function refused(peer: string, why: string, facts: object = {}): HubError {
  return new HubError('not_allowed', 'not recognised', { facts: { peer, why, ...facts } });
}
