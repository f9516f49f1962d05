import type { HelperClient } from '@atrium/sdk';
import { memoryLog, memoryStore, testIo } from '@atrium/sdk/testing';
import { processSpawner } from './index.ts';
import { ada, ask, begin, bob } from './test-world.ts';

/** A hub of an account of its own, whose root helper is the parent process; `other-accounts.test.ts` runs it. */
const { place, tools } = JSON.parse(process.argv[2]!);

/** Answers who it runs as; `/reach?<path>` tries to connect to a socket from inside. */
const SERVER = `
  const http = require('node:http');
  console.log('started', process.env.JUPYTERHUB_USER);
  process.on('SIGTERM', () => process.exit(0));
  http.createServer((q, r) => {
    const [path, target] = q.url.split('?');
    if (path !== '/reach') return r.end(process.env.USER + ' ' + process.getuid());
    http.get({ socketPath: target }, () => r.end('reached')).on('error', ({ code }) => r.end(code));
  }).listen(process.env.ATRIUM_SOCKET);
`;

let last = 0;
const waiting = new Map<number, PromiseWithResolvers<unknown>>();
process.on('message', ({ id, value, error }: { id: number; value?: unknown; error?: string }) => {
  if (error === undefined) waiting.get(id)?.resolve(value);
  else waiting.get(id)?.reject(new Error(error));
});
const helper: HelperClient = {
  call(verb, input) {
    last += 1;
    const answer = Promise.withResolvers<unknown>();
    waiting.set(last, answer);
    process.send?.({ id: last, verb, input });
    return answer.promise;
  },
};

const configured = processSpawner({ command: [`${tools}/node`, '-e', SERVER], readOnlyPaths: [tools] });
const io = testIo();
const spawner = await configured.create(configured.config.parse(configured.options), {
  ...place,
  clock: io.clock,
  log: memoryLog(),
  store: memoryStore(),
  helper,
});
const lives = [await begin(spawner, ada), await begin(spawner, bob)];
const sockets = [];
for (const life of lives) sockets.push((await life.until('running')).address!);

const answers = await Promise.all(sockets.map((address) => ask(address, '/')));
const code = await ask(sockets[0]!, `/reach?${sockets[1]!.kind === 'unix' && sockets[1]!.path}`);
const reached = code === 'EACCES' || code === 'ENOENT' ? 'EACCES or ENOENT' : code;
const log = await lives[0]!.output();
const listed = (await Array.fromAsync(spawner.list(io))).length;
const after = [];
for (const life of lives) {
  await spawner.stop(life.ref, { graceMs: 1_000, force: false }, io);
  await life.until('exited');
  await spawner.destroy(life.ref, io);
  after.push((await life.observe()).phase);
}
const { isolation } = spawner.caps;
process.stdout.write(JSON.stringify({ uid: process.getuid?.(), isolation, answers, reached, log, listed, after }));
process.disconnect?.();
