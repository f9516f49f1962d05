import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { operatorPolicy } from '@atrium/cluster';
import { type Ec2Sim, startEc2Sim } from '@atrium/ec2-sim';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { packAtrium } from '../../scripts/lib/pack.mjs';
import { refused } from '../../tools/ec2-sim/src/policy/index.ts';
import { canConfine } from '../../tools/ec2-sim/src/runner/confine.ts';
import { processRunner } from '../../tools/ec2-sim/src/runner/process-runner.ts';
import { readablePython } from '../../tools/ec2-sim/src/runner/readable-python.ts';
import { testChromium } from '../../tools/test-machine.ts';
import { type ArchiveServer, serveArchive } from '../lib/archive-server.ts';
import { createFirstAdmin, shoot, startChromium, type TestChromium, testCli } from '../lib/hub.ts';
import { unpackLinked } from '../lib/packed.ts';

const CLONE = fileURLToPath(new URL('../..', import.meta.url));
/** EC2's own times, shortened. What happens in the machines takes its own time. */
const DELAYS = {
  pendingMs: 500,
  stoppingMs: 500,
  terminatingMs: 500,
  attachMs: 200,
  snapshotMs: 1_000,
  imageMs: 1_000,
  consistencyMs: 200,
};
/** EC2's word for it, and everybody else's. */
const REFUSALS = ['UnauthorizedOperation', 'AccessDenied', 'AccessDeniedException'];
const PASSWORD = 'quiet lanterns over the river';
/** A timer of the manager looks once a minute. */
const A_MINUTE = { timeout: 150_000, interval: 1_000 };

const hasPrograms = ['nginx', 'openssl', 'curl', 'cloud-init'].every((name) => spawnSync('which', [name]).status === 0);

/** The manager's proxy has this one, on this computer's loopback address. */
const isFree = (port: number) =>
  new Promise<boolean>((resolve) => {
    const server = createServer().once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

const canRun = hasPrograms && testChromium() && readablePython() && process.getuid?.() === 0;

describe.skipIf(!canRun || !(await isFree(8000)))(
  'a cluster made from the packed program',
  { timeout: 600_000 },
  () => {
    let dir: string;
    let sim: Ec2Sim;
    let web: ArchiveServer;
    let cli: ReturnType<typeof testCli>;
    let browser: TestChromium;
    let ada: Page;
    let url: string;

    beforeAll(async () => {
      mkdirSync(join(CLONE, '.cache'), { recursive: true });
      dir = mkdtempSync(join(CLONE, '.cache', 'cluster-'));
      expect(canConfine(join(dir, 'probe'))).toBe(true);
      const packed = await packAtrium(dir);
      web = await serveArchive(packed.file, dir);
      const env: Record<string, string> = { CURL_CA_BUNDLE: web.certificate };
      const runner = processRunner({ env, python: readablePython()!, npm: { modules: join(CLONE, 'node_modules') } });
      sim = await startEc2Sim({ delays: DELAYS, runner, publicDoors: true });
      // Credentials come from the metadata service, as the role of the machine.
      env.AWS_ENDPOINT_URL = sim.endpoint;
      const program = join(dir, 'operator');
      await unpackLinked(packed.file, program);
      const cluster = {
        name: 'class',
        region: sim.region,
        source: { url: web.url, sha256: packed.sha256 },
        expect: { users: 1 },
      };
      const spawner = {
        identity: { certificates: [sim.certificate] },
        // Machines of folders run programs where this computer has them.
        command: [join(readablePython()!, 'bin', 'jupyterhub-singleuser')],
        profiles: [{ id: 'small', title: 'Small', types: ['t3.small'] }],
      };
      const config = `import { defineConfig, ec2Spawner } from 'atrium';
export default defineConfig({
  cluster: ${JSON.stringify(cluster)},
  spawner: ec2Spawner(${JSON.stringify(spawner)}),
});
`;
      cli = testCli(config, sim.env('operator'), [join(program, 'bin', 'atrium.mjs')]);
      browser = await startChromium();
      ada = (await browser.person({ ignoreHTTPSErrors: true })).page;
      ada.setDefaultTimeout(100_000);
    });
    afterEach(async ({ task }) => {
      if (task.result?.state !== 'fail') return;
      for (const one of sim?.world.instances.values() ?? [])
        console.error(`${one.tags.get('Name')} ${one.state}\n${one.console.slice(-40).join('\n')}`);
      await shoot(ada, 'failed-cluster');
    });
    afterAll(async () => {
      await browser?.[Symbol.asyncDispose]();
      await cli?.[Symbol.asyncDispose]();
      await sim?.[Symbol.asyncDispose]();
      await web?.[Symbol.asyncDispose]();
      if (dir) rmSync(dir, { recursive: true, force: true });
    });

    const status = () => cli.run(['cluster', 'status']);

    test('atrium cluster up makes an image and a manager whose hub answers', async () => {
      const made = await cli.run(['cluster', 'up', '--yes', '--json']);
      expect(made.code, made.err).toBe(0);
      const up = JSON.parse(made.out) as { url: string; fingerprint: string; changed: unknown[] };
      expect(up.url).toMatch(/^https:\/\/127\.79\./);
      expect(up.fingerprint).toMatch(/^sha256\//);
      url = up.url;
      await ada.goto(url);
      await ada.getByRole('button', { name: /sign in/i }).waitFor();
      const again = await cli.json<{ changed: unknown[] }>('cluster', 'up', '--yes');
      expect(again.changed).toEqual([]);
    });

    test('the operator is told where the first account is made, and the web address lets that person in', async () => {
      const link = async () => /https:\S+first-admin\S+/.exec((await status()).out)?.[0] ?? '';
      await expect.poll(link, A_MINUTE).toContain(url);
      await createFirstAdmin(ada, await link(), 'Ada', PASSWORD);
      await shoot(ada, 'cluster-signed-in');
      for (const one of sim.world.instances.values()) expect(one.console.join('\n')).not.toContain('first-admin?token');
    });

    test('a person gets a machine from the image, with the agent out of the archive', async () => {
      await ada.goto(`${url}hub/spawn`);
      await ada.waitForURL(/\/user\/ada\/lab/, { timeout: 300_000 });
      const workers = [...sim.world.instances.values()].filter((one) => one.tags.get('atrium:role') === 'worker');
      expect(workers.map(({ state }) => state)).toEqual(['running']);
      await expect.poll(async () => (await status()).out, A_MINUTE).not.toContain('first-admin');
      expect(sim.violations).toEqual([]);
    });

    test('nothing was asked of AWS that the manager’s role or the operator’s policy does not allow', async () => {
      // The simulator holds the manager to its role's policy: what that does not allow was answered with a refusal.
      const byManager = sim.calls.all().filter(({ caller }) => caller !== 'operator');
      expect(byManager.filter(({ mutating }) => mutating).map(({ action }) => action)).toContain('RunInstances');
      expect(byManager.filter(({ code = '' }) => REFUSALS.includes(code)).map(({ action }) => action)).toEqual([]);

      const byOperator = sim.calls.all({ caller: 'operator' });
      const policy = operatorPolicy({ name: 'class', region: sim.region, account: sim.accountId });
      const beyond = byOperator.flatMap(({ action, authorization }) =>
        refused(policy, authorization).map((request) => `${action}: ${request.action} on ${request.resource}`),
      );
      expect(byOperator.length).toBeGreaterThan(20);
      expect([...new Set(beyond)]).toEqual([]);
    });
  },
);
