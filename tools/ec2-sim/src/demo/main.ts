import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../../free-port.ts';
import { addImage } from '../runner/image.ts';
import { processRunner } from '../runner/process-runner.ts';
import { fillWorkerRoot } from '../runner/worker-root.ts';
import { type Ec2Sim, startEc2Sim } from '../sim.ts';
import { demoConfig, IDLE } from './config.ts';
import { watchWorld } from './watch.ts';

const ATRIUM = fileURLToPath(new URL('../../../../packages/atrium/src/main.ts', import.meta.url));
const IMAGE = { 'atrium:role': 'ami' };

const say = (text: string) => void process.stdout.write(`${text}\n`);
const [python = ''] = process.argv.slice(2);

/** A simulated region and a hub in it, until somebody presses Ctrl-C; answers the exit status. */
async function demo(): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'atrium-demo-'));
  // As root, hub and machines run under other accounts, which have to get here.
  chmodSync(dir, 0o755);
  try {
    await using sim = await startEc2Sim({ runner: processRunner(), unknown: 'note' });
    await addImage(sim, { name: 'atrium-worker', tags: IMAGE }, fillWorkerRoot);
    const places = { port: await freePort(), command: join(python, 'bin', 'jupyterhub-singleuser'), image: IMAGE };
    writeFileSync(join(dir, 'atrium.config.ts'), demoConfig(sim, places));
    const stopWatching = watchWorld(sim.world, (line) => say(`  ${new Date().toTimeString().slice(0, 8)}  ${line}`));
    const status = await hub(sim, dir);
    stopWatching();
    say('The hub has ended; its machines go with it.');
    return status;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Runs `atrium up` until it ends. */
async function hub(sim: Ec2Sim, dir: string): Promise<number> {
  const args = ['--conditions=atrium-source', ATRIUM, 'up', '--json', '--data-dir', join(dir, 'data')];
  const child = spawn(process.execPath, args, {
    cwd: dir,
    env: { ...process.env, ...sim.env('demo') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  createInterface({ input: child.stdout }).on('line', (line) => welcome(JSON.parse(line) as { url: string }));
  createInterface({ input: child.stderr }).on('line', say);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      // A terminal gives Ctrl-C to all of us; a second one would tell the hub to hurry.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  return ended(child);
}

function ended(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}

function welcome({ url }: { url: string }): void {
  say(`
A hub whose servers are EC2 instances, on a simulated EC2. Open ${url}
and create the first account with the link below. Then:
  - choose a kind of machine and start it: the lines below show what EC2 does, the page what the person sees
  - run a cell; leave the page alone for ${IDLE.replace('m', ' minutes')}: a warning comes, and the machine stops
  - start it again: the same instance, the same files
  - see what it cost: Home, "What I have used"; administrators: Admin
Ctrl-C stops everything and leaves nothing behind.
`);
}

process.exitCode = await demo();
