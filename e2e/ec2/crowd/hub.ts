import type { Ec2Sim } from '@atrium/ec2-sim';
import { familyOf, hurry, usageOf } from '../../../bench/hub/processes.ts';
import { freePort } from '../../../tools/free-port.ts';
import { testCli } from '../../lib/hub.ts';

export const PASSWORD = 'crowd';
const ADMIN = 'teacher';

/** A real `atrium up` on the simulated region, as processes of its own: supervisor, hub, proxy; SQLite. */
export interface CrowdHub extends AsyncDisposable {
  /** `http://127.0.0.1:8000` */
  origin: string;
  /** Where its files are: `hub.sqlite` among them. */
  dataDir: string;
  /** As an administrator. @throws with the answer when it is not 2xx */
  ask<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** ms of CPU that hub and proxy used so far. */
  cpu(): { hub: number; proxy: number };
  /** The hub's process. */
  pid: number;
  /** SIGKILL to all of it, for good. */
  kill(): Promise<void>;
  said(): string;
}

export interface HubOptions {
  /** What machines run as the person. */
  command?: readonly string[];
  /** More of the plug-in's configuration. */
  ec2?: Record<string, unknown>;
  /** It goes before everything else on this machine; as root only. */
  urgent?: boolean;
}

export async function startCrowdHub(sim: Ec2Sim, { command, urgent, ec2: more }: HubOptions = {}): Promise<CrowdHub> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const { world } = sim;
  const image = [...world.images.values()].find((one) => one.public && one.architecture === 'x86_64');
  const subnets = [...world.subnets.values()].map(({ id, zone }) => ({ id, zone }));
  const [group] = world.groups.keys();
  const ec2 = {
    cluster: { name: 'class', id: 'crowd' },
    region: sim.region,
    hubUrl: `${origin}/hub/`,
    subnets,
    securityGroups: [group],
    identity: { certificates: [sim.certificate] },
    profiles: [{ id: 'small', title: 'Small', types: ['t3.medium', 't3a.medium'], image: { id: image?.id } }],
    ...(command ? { command } : {}),
    ...more,
  };
  const cli = testCli(
    `import { defineConfig, ec2Spawner, secret, sharedPassword } from 'atrium';

export default defineConfig({
  port: ${port},
  authenticator: sharedPassword({ password: secret.env('CROWD_PASSWORD') }),
  access: { allowAll: true, adminUsers: ['${ADMIN}'] },
  // Machines of AWS do not compete with each other: nobody queues for the hub's sake.
  start: { concurrency: 2000, timeout: '10m', stopTimeout: '10m' },
  spawner: ec2Spawner(${JSON.stringify(ec2, null, 2)}),
});
`,
    { ...sim.env('hub'), CROWD_PASSWORD: PASSWORD },
  );
  const up = await cli.up('--port', String(port));
  await cli.run(['user', 'add', ADMIN, '--admin']);
  const { token } = await cli.json<{ token: string }>('token', ADMIN);
  const family = familyOf(up.process.pid ?? 0);
  if (urgent) hurry(family.map(({ pid }) => pid));
  const cpu = (name: string) =>
    family.filter((one) => one.command.includes(name)).reduce((sum, { pid }) => sum + usageOf(pid).cpuMs, 0);

  return {
    origin,
    dataDir: `${cli.dir}/data`,
    async ask<T>(method: string, path: string, body?: unknown) {
      const answer = await fetch(`${origin}/hub/api/${path}`, {
        method,
        headers: { authorization: `token ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 300)}`);
      return (text ? JSON.parse(text) : undefined) as T;
    },
    cpu: () => ({ hub: cpu('hub-process'), proxy: cpu('proxy-process') }),
    pid: family.find(({ command: argv }) => argv.includes('hub-process'))?.pid ?? 0,
    async kill() {
      for (const { pid } of family) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // Gone already.
        }
      }
    },
    said: () => up.said(),
    async [Symbol.asyncDispose]() {
      await cli[Symbol.asyncDispose]();
    },
  };
}
