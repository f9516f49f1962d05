import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { scaledClock, startEc2Sim } from '@atrium/ec2-sim';
import { afterEach, expect, test, vi } from 'vitest';
import { awsClients } from './aws/clients.ts';
import { readClusterConfig } from './config.ts';
import { httpsProbe } from './probe.ts';
import { account, shapeOf } from './testing/account.ts';
import { smallMachines } from './testing/machines.ts';
import { SMALL } from './testing/rig.ts';
import { upCluster } from './up.ts';

const CHILD = fileURLToPath(new URL('./testing/up-child.ts', import.meta.url));
const SPEED = 40;
const PORT = 8444;
/** At which of its changes each process in turn is killed. The first two of most are about the lock. */
const KILLS = [2, 6, 8, 9, 7, 8];

afterEach(() => {
  vi.unstubAllEnvs();
});

test('a process killed by SIGKILL in the middle of a call, six times over: the next one goes on at once', async () => {
  const clock = scaledClock(SPEED);
  await using sim = await startEc2Sim({ clock, buckets: false, runner: smallMachines(PORT) });
  const env = sim.env('operator');
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);

  let killed = 0;
  for (const at of KILLS) {
    const args = ['--conditions=atrium-source', CHILD, JSON.stringify(SMALL), `${SPEED}`, `${clock.now()}`];
    const { PATH = '', HOME = '' } = process.env;
    const child = spawn(process.execPath, args, { env: { ...env, PATH, HOME }, stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    let changes = 0;
    const unwatch = sim.calls.watch(({ mutating, params }) => {
      // The signal is sent before the simulator does the work: it does it, and nobody reads the answer.
      if (mutating && params.DryRun !== true && ++changes === at) child.kill('SIGKILL');
    });
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    unwatch();
    expect({ code, signal, errors }).toEqual({ code: null, signal: 'SIGKILL', errors: '' });
    killed += 1;
  }
  expect(killed).toBe(KILLS.length);

  const input = {
    config: readClusterConfig(SMALL),
    configText: '// the configuration file',
    say: () => {},
    aws: awsClients(),
    clock,
    probe: ({ address }: { address: string }) => {
      const machine = [...sim.world.instances.values()].find(({ publicIp }) => publicIp === address);
      return httpsProbe({ address: `${machine?.privateIp}:${PORT}` });
    },
  };
  await upCluster(input);
  const made = shapeOf(await account(sim));
  expect(new Set(made).size).toBe(made.length);
  expect(made).toEqual(expect.arrayContaining(['instances manager', 'images image', 'volumes manager-data']));
  const mark = sim.calls.mark();
  await upCluster(input);
  expect(sim.calls.all({ since: mark, mutating: true })).toEqual([]);
  expect(sim.violations).toEqual([]);
}, 180_000);
