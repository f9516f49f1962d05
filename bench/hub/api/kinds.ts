import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { placesOf } from '../../../packages/atrium/src/files/data-dir.ts';
import { openDatabase } from '../../../packages/hub/src/db/open.ts';
import { hubIdOf } from '../../../packages/hub/src/installation.repo.ts';
import { atrium } from '../atrium.ts';
import type { HubKind, Plan, RunningHub } from '../hub.ts';
import { jupyterhub, PYTHON } from '../jupyterhub.ts';
import type { Where } from './load.ts';
import { seedAtrium } from './seed.repo.ts';
import type { World } from './world.ts';

/** A hub that can begin with people and running servers. */
export interface SeededKind extends HubKind {
  /** Writes them into the database of a hub that ran once and has ended. */
  seed(dir: string, plan: Plan, world: World, echoUrl: string): Promise<void>;
  /** Where the hub itself takes API requests, past its proxy: as the proxy does. */
  api(dir: string, plan: Plan, hub: RunningHub): Where;
}

const SEED = fileURLToPath(new URL('./seed_jupyterhub.py', import.meta.url));

const addressOf = (echoUrl: string) => {
  const { hostname, port } = new URL(echoUrl);
  return { host: hostname, port: Number(port) };
};

export const seededAtrium: SeededKind = {
  ...atrium,
  async seed(dir, plan, world, echoUrl) {
    await using opened = await openDatabase(plan.database ?? join(dir, 'data', 'hub.sqlite'));
    const address = JSON.stringify({ kind: 'tcp', ...addressOf(echoUrl) });
    await seedAtrium(opened.db, world, { now: Date.now(), address });
    const seeded = { hubId: await hubIdOf(opened.db), servers: world.servers.map(({ id }) => id) };
    writeFileSync(join(dir, 'seeded.json'), JSON.stringify(seeded));
  },
  api: (dir) => ({ path: placesOf(join(dir, 'data')).hubSocket }),
};

export const seededJupyterhub: SeededKind = {
  ...jupyterhub,
  title: jupyterhub.title.replace(/,.*/, ''),
  seed: (dir, _plan, world, echoUrl) =>
    new Promise((resolve, reject) => {
      const { host, port } = addressOf(echoUrl);
      const child = execFile(PYTHON, [SEED], { maxBuffer: 2 ** 26 }, (error, _out, problems) =>
        error ? reject(new Error(problems.slice(-2_000))) : resolve(),
      );
      child.stdin?.end(JSON.stringify({ ...world, file: join(dir, 'jupyterhub.sqlite'), echo: [host, port] }));
    }),
  api: (_dir, plan) => ({ host: '127.0.0.1', port: Number(plan.env.BENCH_PORTS?.split(',')[1]) }),
};

/** The end of what a hub wrote, for whoever wonders. */
export const outputOf = (dir: string) =>
  existsSync(join(dir, 'output.log')) ? readFileSync(join(dir, 'output.log'), 'utf8').slice(-2_000) : '';
