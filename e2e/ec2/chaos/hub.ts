import { mkdirSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { sharedPassword } from '@atrium/auth-shared-password';
import { createHub, type Hub } from '@atrium/hub';
import { loadConfig } from '@atrium/hub/config';
import { Secret } from '@atrium/sdk';
import { ec2Spawner } from '@atrium/spawner-ec2';
import { pino } from 'pino';
import { issueToken } from '../../../packages/hub/src/tokens/tokens.service.ts';
import { runUpkeep } from '../../../packages/hub/src/upkeep/upkeep.service.ts';
import { asUser } from '../../../packages/hub/src/users/principal.ts';
import { createUser } from '../../../packages/hub/src/users/users.service.ts';
import { type ManualClock, manualClock } from '../../../tools/ec2-sim/src/clock.ts';
import { installKiller } from './killer.ts';
import type { FromHub, HubSetup, ToHub } from './place.ts';

/**
 * A hub in a process of its own, to be killed: everything of `atrium up`'s hub except the proxy before it. It loads, waits
 * for `go` (its forerunner must be dead before the database is opened), and serves.
 */
const setup = JSON.parse(process.argv[2] ?? '{}') as HubSetup;
const killer = installKiller(setup.ec2);
const send = (message: FromHub) => process.send?.(message);
let hub: Hub | undefined;
let clock: ManualClock | undefined;

async function go({ now, kill }: Extract<ToHub, { type: 'go' }>): Promise<void> {
  const { dataDir, port } = setup;
  mkdirSync(join(dataDir, 'run'), { recursive: true });
  const log = pino({ level: process.env.ATRIUM_TEST_LOG ?? 'silent' }, pino.destination({ dest: 2, sync: true }));
  const loaded = loadConfig({
    file: {
      idle: { stopAfter: '2m', checkEvery: '10s', warnBefore: '30s' },
      start: { timeout: '40m', answerTimeout: '20m', stopTimeout: '3m', slow: '2s' },
    },
    defaults: {
      spawner: ec2Spawner(setup.spawner as Parameters<typeof ec2Spawner>[0]),
      authenticator: sharedPassword({ password: new Secret('a password for nobody') }),
    },
  });
  killer.arm(kill ?? null);
  clock = manualClock(now);
  const origin = `http://127.0.0.1:${port}`;
  hub = await createHub({
    loaded,
    dataDir,
    runDir: join(dataDir, 'run'),
    apiUrl: `${origin}/hub/api`,
    log,
    clock,
    // As the supervisor does for the one that takes a dead hub's place.
    instanceId: 'the-hub',
  });
  await hub.listen({ host: '127.0.0.1', port });
  hub.startController();
  const { ctx } = hub;
  const root = await createUser(ctx.db, {
    name: 'root',
    admin: true,
    allowedBy: 'administrator',
    now: ctx.clock.now(),
  });
  // Only the first of all hubs makes her.
  const token = root && (await issueToken(ctx, { owner: asUser(root), scopes: ['inherit'], note: 'chaos' })).token;
  send({ type: 'ready', ...(token && { token }) });
}

process.on('message', (message: ToHub) => {
  if (message.type === 'go') {
    go(message).catch((error: Error) => send({ type: 'failed', problem: error.stack ?? error.message }));
  } else if (message.type === 'time') {
    void clock?.advance(message.now - clock.now()).then(() => send({ type: 'time' }));
  } else if (message.type === 'arm') {
    killer.arm(message.kill);
    send({ type: 'done', id: message.id });
  } else {
    const { id } = message;
    runUpkeep(hub!.ctx, { dryRun: false, signal: AbortSignal.timeout(60_000) }).then(
      () => send({ type: 'done', id }),
      (error: Error) => send({ type: 'done', id, error: error.stack ?? error.message }),
    );
  }
});
process.on('disconnect', () => process.exit(0));
process.on('unhandledRejection', (error: Error) => {
  process.stderr.write(`unhandled rejection: ${error.stack ?? error}\n`);
});
// What the plug-in loads when it is made: here it would cost simulated time.
await import('@aws-sdk/client-ec2');
flushCompileCache();
send({ type: 'loaded' });
