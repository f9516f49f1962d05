import type { Instance } from '@aws-sdk/client-ec2';
import { readable } from './aws/errors.ts';
import type { ClusterConfig } from './config.ts';
import { ownerOf, type Scene } from './engine/part.ts';
import { type PlanLine, survey } from './engine/run.ts';
import { type HubSessions, readSessions } from './hub-sessions.ts';
import { type Inventory, isHome, roleOf, takeInventory } from './inventory.ts';
import { livePrices } from './live-prices.ts';
import { readFirstAdmin } from './manager/first-admin.ts';
import { hubSnapshots } from './manager/snapshot.ts';
import { strayRules } from './parts/groups.ts';
import { layoutOf, partsOf } from './parts/index.ts';
import { probeManager } from './parts/manager.ts';
import { preflight } from './preflight.ts';
import { HOURS_PER_MONTH, type PriceTable } from './prices.ts';
import { type ClusterInput, openScene } from './scene.ts';
import { TAG, tagOf } from './tags.ts';

const DAY_MS = 86_400_000;
const IMAGE_OLD_DAYS = 90;
const CERTIFICATE_SOON_DAYS = 14;

/** One remark. `fail` makes the exit status 2, `warn` 1. */
export interface Remark {
  what: 'manager' | 'drift' | 'orphan' | 'session' | 'image' | 'certificate' | 'quota' | 'spend' | 'copies';
  state: 'ok' | 'warn' | 'fail';
  message: string;
}

export interface ClusterStatus {
  cluster: { name: string; id: string | null };
  region: string;
  remarks: Remark[];
  machines: Record<string, number>;
  homes: { count: number; gb: number };
  /** Dollars, of what is there now; what was removed before is in the hub's ledger. */
  spend: { today: number | null; month: number | null; perHourNow: number | null };
  /** Where the first account is made, as long as there is no administrator. Secret. */
  firstAdmin: { url: string; expiresAt: number } | null;
  exitCode: 0 | 1 | 2;
}

/** How the cluster is. Reads only. @param token of an administrator, to ask the hub who works. */
export async function statusOfCluster(input: ClusterInput, token?: string): Promise<ClusterStatus> {
  const scene = await openScene(input);
  try {
    return await look(scene, token);
  } catch (error) {
    throw readable(error);
  }
}

async function look(scene: Scene, token: string | undefined): Promise<ClusterStatus> {
  const { config, region } = scene;
  if (!scene.owner) {
    const remarks: Remark[] = [{ what: 'manager', state: 'fail', message: 'there is no such cluster' }];
    const spend = { today: 0, month: 0, perHourNow: 0 };
    return {
      cluster: { name: config.name, id: null },
      region,
      remarks,
      machines: {},
      homes: { count: 0, gb: 0 },
      spend,
      firstAdmin: null,
      exitCode: 2,
    };
  }
  const layout = await layoutOf(scene);
  const lines = await survey(scene, partsOf(config, layout));
  const inventory = await takeInventory(scene);
  const types = [...new Set(inventory.instances.map(({ InstanceType }) => `${InstanceType}`))];
  const prices = await livePrices(scene.aws, region, types, scene.clock.now());
  const probed = await probeManager(scene);
  const sessions = token ? await readSessions(scene, token) : undefined;
  const spend = spendOf(inventory, prices, scene.clock.now());

  const drift = driftOf(lines, await strayRules(scene));
  const remarks: Remark[] = [
    probed.ok
      ? { what: 'manager', state: 'ok', message: 'the hub answers' }
      : { what: 'manager', state: 'fail', message: `the hub does not answer (${probed.reason})` },
    ...(probed.ok && probed.daysLeft < CERTIFICATE_SOON_DAYS
      ? [
          {
            what: 'certificate',
            state: probed.daysLeft < 0 ? 'fail' : 'warn',
            message: `it is valid for ${probed.daysLeft} more days`,
          } as const,
        ]
      : []),
    ...drift,
    ...orphans(inventory, lines.find(({ part }) => part === 'image')?.id),
    ...withoutSession(inventory, sessions, scene.clock.now()),
    ...imageAge(inventory, scene.clock.now()),
    ...(await copies(scene)),
    ...(await preflight(scene, layout))
      .filter(({ name, state }) => name === 'quotas' && state !== 'ok')
      .map(({ message }): Remark => ({ what: 'quota', state: 'warn', message })),
    ...budget(config, spend),
  ];
  const homes = inventory.volumes.filter(isHome);
  return {
    cluster: { name: config.name, id: ownerOf(scene).id },
    region,
    remarks,
    machines: counts(inventory),
    homes: { count: homes.length, gb: homes.reduce((sum, { Size = 0 }) => sum + Size, 0) },
    spend,
    firstAdmin: await readFirstAdmin(scene),
    exitCode: remarks.some(({ state }) => state === 'fail') ? 2 : remarks.some(({ state }) => state === 'warn') ? 1 : 0,
  };
}

/** What is not as the configuration says. After `down` nothing is missing: it was removed. */
function driftOf(lines: readonly PlanLine[], stray: readonly string[]): Remark[] {
  const isAbsent = (name: string) =>
    lines.some(({ part, verdict, id }) => part === name && verdict === 'create' && !id);
  if (isAbsent('manager') && isAbsent('group-manager') && isAbsent('launch-template')) {
    const message = 'the cluster was taken down, data of it remains. atrium cluster up makes it again';
    return [{ what: 'drift', state: 'fail', message }];
  }
  const drifted = lines.filter(({ verdict }) => verdict !== 'none' && verdict !== 'adopt');
  return [
    ...drifted.map(({ title, verdict, note }): Remark => {
      const message = `${title}: ${verdict === 'create' ? 'missing' : (note ?? verdict)}`;
      return { what: 'drift', state: verdict === 'create' || verdict === 'blocked' ? 'fail' : 'warn', message };
    }),
    ...stray.map((message): Remark => ({ what: 'drift', state: 'warn', message })),
  ];
}

const isWorker = (instance: Instance) => ['worker', 'spare'].includes(roleOf(instance) ?? '');

function counts({ instances }: Inventory): Record<string, number> {
  const found: Record<string, number> = {};
  for (const instance of instances.filter(isWorker)) {
    const state = `${roleOf(instance) === 'spare' ? 'spare ' : ''}${instance.State?.Name}`;
    found[state] = (found[state] ?? 0) + 1;
  }
  return found;
}

/** Things of ours that nobody needs, and that cost. */
function orphans({ instances, volumes, images }: Inventory, imageInUse: string | undefined): Remark[] {
  const warn = (message: string): Remark => ({ what: 'orphan', state: 'warn', message });
  return [
    ...instances
      .filter((each) => tagOf(each, 'atrium:orphan-since'))
      .map((each) =>
        warn(`machine ${each.InstanceId}: no row of the hub names it, since ${tagOf(each, 'atrium:orphan-since')}`),
      ),
    ...instances
      .filter((each) => roleOf(each) === 'builder' && imageInUse?.startsWith('ami-'))
      .map((each) => warn(`machine ${each.InstanceId} made an image and is still there (${each.State?.Name})`)),
    ...volumes
      .filter((each) => ['worker', 'spare', 'builder'].includes(roleOf(each) ?? '') && each.State === 'available')
      .map((each) => warn(`disk ${each.VolumeId}, ${each.Size} GB: its machine is gone`)),
    ...volumes
      .filter((each) => tagOf(each, TAG.trash) === 'yes')
      .map((each) => warn(`disk ${each.VolumeId}, ${each.Size} GB: waits for its deletion`)),
    ...images.filter((each) => each.State === 'failed').map((each) => warn(`image ${each.ImageId}: its making failed`)),
  ];
}

const GRACE_MS = 600_000;

function withoutSession({ instances }: Inventory, sessions: HubSessions | undefined, now: number): Remark[] {
  const running = instances.filter(
    (each) => roleOf(each) === 'worker' && each.State?.Name === 'running' && now - Number(each.LaunchTime) > GRACE_MS,
  );
  if (running.length === 0) return [];
  if (!sessions) {
    return [
      {
        what: 'session',
        state: 'ok',
        message: `${running.length} machines run; who works on them is the hub's to say (--token-stdin)`,
      },
    ];
  }
  if (!sessions.ok)
    return [{ what: 'session', state: 'warn', message: `the hub does not say who works: ${sessions.reason}` }];
  return running
    .filter((each) => !sessions.active.has(tagOf(each, TAG.user) ?? ''))
    .map((each) => ({
      what: 'session',
      state: 'warn',
      message: `machine ${each.InstanceId} of ${tagOf(each, TAG.user) ?? 'nobody'} runs without a session since ${new Date(Number(each.LaunchTime)).toISOString()}`,
    }));
}

function imageAge({ images }: Inventory, now: number): Remark[] {
  const newest = images.map(({ CreationDate }) => Date.parse(`${CreationDate}`)).sort((a, b) => b - a)[0];
  if (newest === undefined) return [];
  const days = Math.floor((now - newest) / DAY_MS);
  const message = `the image of people's machines is ${days} days old`;
  return days > IMAGE_OLD_DAYS
    ? [{ what: 'image', state: 'warn', message: `${message}; atrium cluster upgrade makes a new one` }]
    : [{ what: 'image', state: 'ok', message }];
}

async function copies(scene: Scene): Promise<Remark[]> {
  const [newest] = await hubSnapshots(scene);
  const { everyHours } = scene.config.manager.snapshots;
  if (!newest) return [{ what: 'copies', state: 'ok', message: "there is no copy of the hub's disk yet" }];
  const hours = Math.floor((scene.clock.now() - Number(newest.StartTime)) / 3_600_000);
  const message = `the newest copy of the hub's disk is ${hours} hours old`;
  return [{ what: 'copies', state: hours > 3 * everyHours ? 'warn' : 'ok', message }];
}

/** Since midnight and since the first of the month, UTC, of what is there now: machines since their start, disks since they were made. */
function spendOf(
  { instances, volumes, snapshots }: Inventory,
  prices: PriceTable,
  now: number,
): ClusterStatus['spend'] {
  const date = new Date(now);
  const day = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate());
  const month = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
  const running = instances.filter(({ State }) => State?.Name === 'running' || State?.Name === 'pending');
  const rates = running.map(({ InstanceType, LaunchTime, PublicIpAddress }) => ({
    since: Number(LaunchTime),
    rate: prices.perHour[`${InstanceType}`],
    address: PublicIpAddress ? prices.addressHour : 0,
  }));
  const disks = [
    ...volumes.map(({ Size = 0, CreateTime }) => ({ since: Number(CreateTime), perMonth: Size * prices.diskGbMonth })),
    ...snapshots.map(({ VolumeSize = 0, StartTime }) => ({
      since: Number(StartTime),
      perMonth: VolumeSize * prices.snapshotGbMonth,
    })),
  ].map(({ since, perMonth }) => ({ since, rate: perMonth / HOURS_PER_MONTH, address: 0 }));
  const isKnown = rates.every(({ rate }) => rate !== undefined);
  const all = [...rates, ...disks].map(({ since, rate = 0, address }) => ({ since, perHour: rate + address }));
  const from = (start: number) =>
    all.reduce((sum, { since, perHour }) => sum + (Math.max(0, now - Math.max(start, since)) / 3_600_000) * perHour, 0);
  if (!isKnown) return { today: null, month: null, perHourNow: null };
  return { today: from(day), month: from(month), perHourNow: all.reduce((sum, { perHour }) => sum + perHour, 0) };
}

function budget({ expect }: ClusterConfig, { month }: ClusterStatus['spend']): Remark[] {
  if (expect.budgetPerMonth === undefined || month === null || month < expect.budgetPerMonth) return [];
  const message = `$${month.toFixed(2)} this month, above the $${expect.budgetPerMonth.toFixed(2)} that you expect`;
  return [{ what: 'spend', state: 'warn', message }];
}
