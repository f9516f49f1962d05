import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { DescribeAvailabilityZonesCommand, EC2Client, RunInstancesCommand } from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { settingsOf, UsageError } from './settings.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const start = (...args: string[]) =>
  spawn(process.execPath, ['--conditions=atrium-source', MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });

test('the command prints an environment with which an SDK reaches it, and ends when told to', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'ec2-sim-command-'));
  const faults = join(dir, 'faults.json');
  writeFileSync(faults, JSON.stringify([{ action: 'RunInstances', code: 'InternalError' }]));
  const child = start('--json', '--log', '--region', 'eu-central-1', '--who', 'ada', '--faults', faults);
  const errors = text(child.stderr);

  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const env = JSON.parse(line.toString()) as Record<string, string>;
  const ec2 = new EC2Client({
    endpoint: env.AWS_ENDPOINT_URL!,
    region: env.AWS_REGION!,
    credentials: { accessKeyId: env.AWS_ACCESS_KEY_ID!, secretAccessKey: env.AWS_SECRET_ACCESS_KEY! },
    maxAttempts: 1,
  });
  const { AvailabilityZones } = await ec2.send(new DescribeAvailabilityZonesCommand({}));
  const failed = await ec2.send(new RunInstancesCommand({ MinCount: 1, MaxCount: 1 })).catch((error: Error) => error);
  child.kill('SIGTERM');
  const [status] = (await once(child, 'exit')) as [number];

  expect(AvailabilityZones!.map(({ ZoneName }) => ZoneName)).toEqual(['eu-central-1a', 'eu-central-1b']);
  expect(failed).toMatchObject({ name: 'InternalError' });
  expect(status).toBe(0);
  expect(await errors).toMatch(/ ada ec2:DescribeAvailabilityZones\n.* ada ec2:RunInstances\n/);
  ec2.destroy();
  rmSync(dir, { recursive: true });
});

test('a command line that makes no sense ends with what is wrong and the help', async () => {
  const child = start('--sped', '10');

  const [errors, [status]] = await Promise.all([text(child.stderr), once(child, 'exit')]);

  expect(status).toBe(2);
  expect(errors).toMatch(/--sped[\s\S]*--speed N/);
});

test('what the options say is what the simulator gets', () => {
  const { sim } = settingsOf([
    ...['--port', '4566', '--region', 'eu-west-1', '--zones', 'eu-west-1a, eu-west-1c', '--speed', '60'],
    ...['--quota', 'L-1216C47A=32', '--no-capacity', 't3.medium@eu-west-1a', '--no-capacity', 'g5.xlarge'],
    '--no-buckets',
  ]);

  expect(sim).toMatchObject({
    port: 4566,
    region: 'eu-west-1',
    zones: ['eu-west-1a', 'eu-west-1c'],
    clock: { speed: 60 },
    quotas: { 'L-1216C47A': 32 },
    capacity: [
      { type: 't3.medium', zone: 'eu-west-1a', available: 0 },
      { type: 'g5.xlarge', available: 0 },
    ],
    buckets: false,
  });
  for (const wrong of [
    ['--speed', '0'],
    ['--port', 'http'],
    ['--region', 'Frankfurt'],
    ['--quota', 'L-1216C47A'],
    ['--no-capacity', 't3.giant'],
    ['--faults', '/no/such/file'],
    ['--policy', '/no/such/file'],
    ['more'],
  ])
    expect(() => settingsOf(wrong), wrong.join(' ')).toThrow(UsageError);
});
