import { parseArgs } from 'node:util';
import { machineFacts } from '../../bench/hub/machine.ts';
import { hurry } from '../../bench/hub/processes.ts';
import { before, figures } from './crowd/figures.ts';
import { startCrowdHub } from './crowd/hub.ts';
import { realServers } from './crowd/real.ts';
import { startRegion } from './crowd/region.ts';
import { arrive, leave, signIn } from './crowd/scenes.ts';
import { goOn } from './crowd/steady.ts';

const { values } = parseArgs({
  options: {
    people: { type: 'string', default: '500' },
    scenes: { type: 'string', default: 'launch,together,minute' },
    boot: { type: 'string', default: '10,20' },
    real: { type: 'string', default: '5' },
    minutes: { type: 'string', default: '10' },
    urgent: { type: 'boolean', default: false },
  },
});
const people = Number(values.people);
if (!Number.isInteger(people) || people < 1) throw new Error('--people takes a whole number');
const scenes = values.scenes.split(',');
const [least = 10, most = least] = values.boot.split(',').map(Number);
if (values.urgent) hurry([process.pid]);
const say = (text: string) => process.stderr.write(`${text}\n`);

const names = Array.from({ length: people }, (_, at) => `student-${String(at).padStart(4, '0')}`);
// All over the row: whoever comes first has an empty hub.
const step = Math.ceil(people / 5);
const real = realServers(
  names.filter((_, at) => at % step === Math.floor(step / 2)),
  Number(values.real),
);
await using region = await startRegion({ bootMs: [least * 1000, most * 1000], real: real.names });
await using hub = await startCrowdHub(region.sim, { ...real.hub, urgent: values.urgent });
say(`hub ${hub.pid}; ${real.names.size} of jupyterhub-singleuser`);
say(`signing in ${people}`);
const crowd = await signIn(names, hub, region);
const results: Record<string, unknown> = { machine: machineFacts() };

async function scene(name: string, withinMs: number) {
  say(`${name}: ${people} within ${withinMs / 1000} s`);
  const start = before(hub);
  const result = figures(await arrive(crowd, withinMs, region), hub, start);
  results[name] = result;
  say(JSON.stringify(result));
}

await scene('launch', 2000);
for (const name of scenes.filter((one) => one === 'together' || one === 'minute')) {
  say('everybody leaves');
  await leave(crowd, hub, region);
  await scene(name, name === 'together' ? 2000 : 60_000);
}
if (scenes.includes('steady')) {
  // What the starts have left to do is theirs.
  await region.sim.clock.sleep(60_000);
  say(`steady: ${region.agents()} running for ${values.minutes} minutes`);
  results.steady = await goOn(Number(values.minutes) * 60_000, region);
  say(JSON.stringify(results.steady));
}
say(`complaints: ${region.complaints.length} ${region.complaints.slice(0, 5).join('\n')}`);
say(`violations: ${JSON.stringify(region.sim.violations.slice(0, 5))}`);
process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
for (const person of crowd) person[Symbol.dispose]();
