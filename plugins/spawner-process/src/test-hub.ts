import { dirname } from 'node:path';
import { memoryStore, testServerIo } from '@atrium/sdk/testing';
import { processSpawner } from './index.ts';
import { ada, TINY_SERVER } from './test-world.ts';

/** A hub that only starts servers, for a test that kills it: `test-hub.ts <place as JSON> <round>`. */
const [place, round] = [JSON.parse(process.argv[2]!), process.argv[3]!];
const configured = processSpawner({
  command: [process.execPath, '-e', TINY_SERVER],
  // Wherever this Node lies, a private /tmp must not hide it.
  readOnlyPaths: [dirname(dirname(process.execPath))],
});
const io = testServerIo();
const spawner = await configured.create(configured.config.parse(configured.options), {
  ...place,
  clock: io.clock,
  log: io.log,
  store: memoryStore(),
  helper: undefined,
});
process.send?.('ready');
for (let at = 1; at <= 5; at += 1) {
  const server = { id: `kill${round}x${at}`, generation: 1 };
  void spawner.ensure(spawner.identify(server.id, 1), spawner.resolve(ada, {}), testServerIo(server));
}
