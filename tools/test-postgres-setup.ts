import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { type Cluster, startCluster } from './postgres-cluster.ts';
import { testPostgres } from './test-machine.ts';

/**
 * vitest's global setup. Runs of a few unit tests are most of all runs, so the server is started by the first test that
 * asks for its address, once for all workers.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = await mkdtemp(join(tmpdir(), 'atrium-test-'));
  const socket = join(dir, 'postgres.sock');
  let cluster: Promise<Cluster> | undefined;

  const broker = createServer((client) => {
    client.on('error', () => {}); // a worker that was stopped while it waited
    const bin = testPostgres();
    cluster ??= bin ? startCluster(bin) : Promise.reject(new Error('this machine has none'));
    cluster.then(
      ({ url }) => client.end(url),
      (cause: Error) => client.end(cause.message),
    );
  }).listen(socket);
  await once(broker, 'listening');
  project.provide('testPostgres', socket);

  return async () => {
    broker.close();
    await (await cluster?.catch(() => undefined))?.stop();
    await rm(dir, { recursive: true, force: true });
  };
}
