import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { RunInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { startEc2Sim } from '../sim.ts';
import { clientFor, someImage } from '../testing.ts';
import { manyRunner } from './many-runner.ts';

const SOON = { timeout: 90_000, interval: 100 };
const COUNT = 500;
const PORT = 8888;

test('five hundred machines in one process have an address, a disk and a configuration each', async () => {
  const running = new Set<string>();
  const runner = manyRunner(async ({ privateIp, instanceId, rootDir }) => {
    const config = JSON.parse(readFileSync(join(rootDir, 'etc/atrium/agent.json'), 'utf8')) as { root: string };
    expect(config).toEqual({ hub: 'http://127.0.0.1/hub/', cluster: 'c', root: rootDir, machine: 'folders' });
    const server = createServer((_, response) => response.end(instanceId));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(PORT, privateIp, resolve);
    });
    running.add(instanceId);
    return {
      stop() {
        running.delete(instanceId);
        server.closeAllConnections();
        server.close();
      },
    };
  });
  // All of them may run before a fresh thing can be found.
  const delays = { pendingMs: 10, stoppingMs: 10, consistencyMs: 0 };
  await using sim = await startEc2Sim({ runner, buckets: false, delays });
  const ec2 = clientFor(sim);
  const agent = JSON.stringify({ hub: 'http://127.0.0.1/hub/', cluster: 'c' });
  const userData = `#cloud-config\nwrite_files:\n  - {path: /etc/atrium/agent.json, content: ${JSON.stringify(agent)}}\n`;
  const before = process.memoryUsage().rss;
  const { Instances = [] } = await ec2.send(
    new RunInstancesCommand({
      ImageId: someImage(sim),
      InstanceType: 't3.micro',
      MinCount: COUNT,
      MaxCount: COUNT,
      UserData: Buffer.from(userData).toString('base64'),
    }),
  );
  await expect.poll(() => running.size, SOON).toBe(COUNT);

  const instances = [...sim.world.instances.values()];
  expect(new Set(instances.map(({ privateIp }) => privateIp)).size).toBe(COUNT);
  for (const { id, privateIp } of instances.slice(0, 20))
    expect(await (await fetch(`http://${privateIp}:${PORT}/`)).text()).toBe(id);
  expect((process.memoryUsage().rss - before) / COUNT).toBeLessThan(1e6);
  expect(instances.flatMap((one) => one.console.filter((line) => line.includes('fail')))).toEqual([]);

  await ec2.send(new StopInstancesCommand({ InstanceIds: Instances.map(({ InstanceId }) => InstanceId!) }));
  await expect.poll(() => running.size, SOON).toBe(0);
  expect(existsSync(join(sim.world.dir, 'volumes'))).toBe(true);
  ec2.destroy();
}, 200_000);
