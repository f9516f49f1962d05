import { homedir } from 'node:os';
import { ada, begin, bob, openOn, processWorld, runScript } from './test-world.ts';

/** What an ordinary user's hub can do, as JSON on standard output; `other-accounts.test.ts` runs it as another account. */
await using world = await processWorld();
const spawner = await openOn(world);
const neighbour = await begin(spawner, bob);
const running = await neighbour.until('running');

const { output } = await runScript(
  world,
  `echo "$(id -u) $(whoami)"
   echo homes: $(ls ${world.place.dataDir}/homes)
   echo account home: $(ls -A ${homedir()} 2>/dev/null)
   touch /var/lib/x 2>/dev/null && echo system: written || echo system: read-only
   touch mine && echo own home: written
   echo others seen: $(cat /proc/[0-9]*/comm | grep -c "[n]ode")`,
  {},
  ada,
);

await spawner.stop(neighbour.ref, { graceMs: 5_000, force: false }, neighbour.io);
const exited = await neighbour.until('exited');
await spawner.destroy(neighbour.ref, neighbour.io);
const absent = await neighbour.observe();
const lives = [running, exited, absent].map(({ phase }) => phase);
console.log(JSON.stringify({ ...spawner.caps, lives, output }));
