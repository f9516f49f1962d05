import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { renderUserData } from '@atrium/agent/cloud-init';
import {
  AttachVolumeCommand,
  CreateVolumeCommand,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { bundleAgent } from '../../../../packages/agent/scripts/bundle.mjs';
import { startEc2Sim } from '../sim.ts';
import { clientFor } from '../testing.ts';
import { addImage } from './image.ts';
import { processRunner } from './process-runner.ts';
import { readablePython } from './readable-python.ts';

const SOON = { timeout: 30_000, interval: 50 };
const DELAYS = { pendingMs: 50, stoppingMs: 50, terminatingMs: 50, attachMs: 50, creatingMs: 50, consistencyMs: 0 };
const isRoot = process.getuid?.() === 0;

/** Counts in a file in its root folder, and says which process it is. */
const COUNTER = `[Unit]
Description=Counts
[Service]
ExecStart=/usr/lib/atrium/count.sh
[Install]
WantedBy=multi-user.target
`;
const COUNT = `#!/bin/sh
echo $$ > "$ATRIUM_ROOT/pid"
n=0
while :; do n=$((n + 1)); echo $n > "$ATRIUM_ROOT/count"; sleep 0.05; done
`;

async function cloud(fill: (root: string) => Promise<void> | void, python?: string) {
  const sim = await startEc2Sim({
    delays: DELAYS,
    runner: processRunner({ graceMs: 500, ...(python ? { python } : {}) }),
  });
  const ImageId = await addImage(sim, { name: 'test' }, fill);
  const ec2 = clientFor(sim);
  return {
    sim,
    ec2,
    async launch(userData?: string, more: { hibernate?: boolean } = {}) {
      const { Instances = [] } = await ec2.send(
        new RunInstancesCommand({
          ImageId,
          InstanceType: 't3.large',
          MinCount: 1,
          MaxCount: 1,
          ...(userData === undefined ? {} : { UserData: Buffer.from(userData).toString('base64') }),
          ...(more.hibernate
            ? {
                HibernationOptions: { Configured: true },
                BlockDeviceMappings: [{ DeviceName: '/dev/sda1', Ebs: { Encrypted: true, VolumeSize: 20 } }],
              }
            : {}),
        }),
      );
      const instance = sim.world.instances.get(Instances[0]!.InstanceId!)!;
      const root = join(sim.world.dir, 'volumes', instance.devices.get(instance.rootDevice)!);
      await expect.poll(() => instance.state, SOON).toBe('running');
      return { instance, root, ids: { InstanceIds: [instance.id] } };
    },
    async [Symbol.asyncDispose]() {
      ec2.destroy();
      await sim[Symbol.asyncDispose]();
    },
  };
}

function fillCounter(root: string): void {
  const write = (path: string, text: string, mode = 0o644) => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text, { mode });
  };
  write('etc/systemd/system/counter.service', COUNTER);
  write('etc/systemd/system/multi-user.target.wants/counter.service', COUNTER);
  write('usr/lib/atrium/count.sh', COUNT, 0o755);
}

const read = (...path: string[]) => (existsSync(join(...path)) ? readFileSync(join(...path), 'utf8').trim() : '');
const lives = (pid: number) => existsSync(`/proc/${pid}`);

test('an enabled unit runs while its machine runs; the disks follow the rules of termination', async () => {
  await using it = await cloud(fillCounter);
  const { instance, root, ids } = await it.launch();
  await expect.poll(() => Number(read(root, 'count')), SOON).toBeGreaterThan(3);
  const pid = Number(read(root, 'pid'));
  const firstBoot = read(root, 'proc/sys/kernel/random/boot_id');
  const volume = await it.ec2.send(
    new CreateVolumeCommand({ AvailabilityZone: instance.zone, Size: 1, VolumeType: 'gp3' }),
  );
  await expect.poll(() => it.sim.world.volumes.get(volume.VolumeId!)?.state, SOON).toBe('available');
  await it.ec2.send(
    new AttachVolumeCommand({ ...{ InstanceId: instance.id, VolumeId: volume.VolumeId }, Device: '/dev/sdf' }),
  );
  const link = join(root, 'dev/disk/by-id', `nvme-Amazon_Elastic_Block_Store_${volume.VolumeId!.replace('-', '')}`);
  await expect.poll(() => existsSync(link), SOON).toBe(true);
  writeFileSync(join(link, 'kept.txt'), 'kept');

  await it.ec2.send(new StopInstancesCommand(ids));
  await expect.poll(() => instance.state, SOON).toBe('stopped');
  expect(lives(pid)).toBe(false);
  const counted = read(root, 'count');
  await it.ec2.send(new StartInstancesCommand(ids));
  await expect.poll(() => Number(read(root, 'pid')), SOON).not.toBe(pid);
  expect(read(root, 'proc/sys/kernel/random/boot_id')).not.toBe(firstBoot);
  expect(Number(counted)).toBeGreaterThan(3);

  await it.ec2.send(new TerminateInstancesCommand(ids));
  await expect.poll(() => instance.state, SOON).toBe('terminated');
  expect(lives(Number(read(root, 'pid')) || pid)).toBe(false);
  expect(existsSync(root)).toBe(false);
  expect(read(it.sim.world.dir, 'volumes', volume.VolumeId!, 'kept.txt')).toBe('kept');
  expect(it.sim.violations).toEqual([]);
});

test('hibernation keeps the process and the boot, and nothing runs meanwhile', async () => {
  await using it = await cloud(fillCounter);
  const { instance, root, ids } = await it.launch(undefined, { hibernate: true });
  await expect.poll(() => Number(read(root, 'count')), SOON).toBeGreaterThan(3);
  const pid = read(root, 'pid');
  const bootId = read(root, 'proc/sys/kernel/random/boot_id');

  await it.ec2.send(new StopInstancesCommand({ ...ids, Hibernate: true }));
  await expect.poll(() => instance.state, SOON).toBe('stopped');
  const frozen = read(root, 'count');
  await expect.poll(() => read(`/proc/${pid}/stat`).split(' ')[2], SOON).toBe('T');
  await it.ec2.send(new StartInstancesCommand(ids));

  await expect.poll(() => Number(read(root, 'count')), SOON).toBeGreaterThan(Number(frozen) + 2);
  expect(read(root, 'pid')).toBe(pid);
  expect(read(root, 'proc/sys/kernel/random/boot_id')).toBe(bootId);
});

test('poweroff inside is an instance-initiated shutdown', async () => {
  await using it = await cloud(fillCounter);
  const { instance } = await it.launch('#cloud-config\nruncmd:\n  - [systemctl, poweroff]\n');

  await expect.poll(() => instance.state, SOON).toBe('stopped');
  expect(instance.stateReason?.code).toBe('Client.InstanceInitiatedShutdown');
});

test.skipIf(!isRoot)('commands of user data see the machine’s disk as /, once, and do no harm here', async () => {
  const machineId = read('/etc/machine-id');
  await using it = await cloud(fillCounter);
  const { instance, root, ids } = await it.launch(`#cloud-config
write_files:
  - path: /usr/local/sbin/first.sh
    permissions: "0755"
    content: |
      #!/bin/sh
      set -e
      rm -f /etc/machine-id
      apt-get install -y nothing
      echo "$AWS_EC2_METADATA_SERVICE_ENDPOINT" >> /etc/first-boot
      systemctl is-active counter
      touch /var/lib/ready
runcmd:
  - [/usr/local/sbin/first.sh]
  - echo "$HOME $(pwd)" > /root/line
power_state: {mode: poweroff, condition: test -e /var/lib/ready}
`);
  await expect.poll(() => instance.state, SOON).toBe('stopped');

  expect(instance.console.join('\n')).toContain('apt-get (stand-in): install -y nothing');
  expect(read(root, 'root/line')).toBe('/root /');
  expect(read(root, 'etc/first-boot')).toMatch(/^http:\/\/127\.78\./);
  expect(read('/etc/machine-id')).toBe(machineId);
  await it.ec2.send(new StartInstancesCommand(ids));
  await expect.poll(() => Number(read(root, 'count')), SOON).toBeGreaterThan(3);
  expect(read(root, 'etc/first-boot').split('\n')).toHaveLength(1);
});

test.skipIf(!isRoot || !readablePython())(
  'a plain image becomes a worker: the agent is fetched, checked and started',
  async () => {
    await using it = await cloud(() => {}, readablePython());
    const file = join(it.sim.world.dir, 'atrium-agent.mjs');
    await bundleAgent(file);
    const bundle = readFileSync(file);
    const web = createServer((_, response) => response.end(bundle)).listen(0, '127.0.0.1');
    const asked: string[] = [];
    const hub = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.writeHead(503).end('{}');
    }).listen(0, '127.0.0.1');
    await Promise.all([web, hub].map((server) => once(server, 'listening')));
    const portOf = (server: typeof web) => (server.address() as AddressInfo).port;
    try {
      const { instance, root } = await it.launch(
        renderUserData({
          hub: `http://127.0.0.1:${portOf(hub)}/hub/`,
          clusterId: 'c-1',
          slow: true,
          agentSource: {
            agent: {
              url: `http://127.0.0.1:${portOf(web)}/atrium-agent.mjs`,
              sha256: createHash('sha256').update(bundle).digest('hex'),
            },
            packages: ['traitlets'],
            // What the linked environment has is enough; nothing may be fetched.
            pipOptions: ['--no-index'],
          },
        }),
      );
      const state = () => read(root, 'var/lib/atrium/setup.state');
      await expect.poll(() => /done|failed/.test(state()), { timeout: 130_000, interval: 200 }).toBe(true);

      expect(state(), instance.console.slice(-30).join('\n')).toBe('done');
      await expect.poll(() => asked[0], SOON).toBe('POST /hub/api/atrium/workers/hello');
    } finally {
      web.close();
      hub.closeAllConnections();
      hub.close();
    }
  },
  150_000,
);
