import { parseArgs } from 'node:util';
import { atrium } from './atrium.ts';
import { pinDriver } from './children.ts';
import type { HubKind } from './hub.ts';
import { jupyterhub, jupyterhubDefault } from './jupyterhub.ts';
import { machineFacts } from './machine.ts';
import { hurry } from './processes.ts';
import { asMarkdown } from './report.ts';
import { type Result, storm } from './storm.ts';

const KINDS: Record<string, HubKind> = { atrium, jupyterhub, 'jupyterhub-default': jupyterhubDefault };
/** A machine's worth; more would measure the driver. */
const MOST_USERS = 5_000;

const HELP = `node --conditions=atrium-source bench/hub/run.ts [options]

  --hubs <names>     ${Object.keys(KINDS).join(', ')}; all of them
  --users <numbers>  who arrive, with commas. 100,300,1000
  --within <s>       all of them. 2
  --repeat <n>       the median run by throughput is shown. 1
  --cores <a>,<b>    core of hub and proxy, core of those who arrive. 0,1
  --unpinned         leave the placing to the kernel
  --urgent           as root: go before everything else on the machine
  --json             machine and results instead of the table
`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    hubs: { type: 'string', default: Object.keys(KINDS).join(',') },
    users: { type: 'string', default: '100,300,1000' },
    within: { type: 'string', default: '2' },
    repeat: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    cores: { type: 'string', default: '0,1' },
    unpinned: { type: 'boolean', default: false },
    urgent: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit();
}

const kinds = values.hubs.split(',').map((name) => {
  const kind = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  if (!kind) throw new Error(`There is no hub "${name}". There are: ${Object.keys(KINDS).join(', ')}`);
  return kind;
});
const sizes = values.users.split(',').map(Number);
if (!sizes.every((size) => Number.isInteger(size) && size > 0 && size <= MOST_USERS)) {
  throw new Error(`--users takes whole numbers from 1 to ${MOST_USERS}, with commas`);
}

const [hubCore = 0, driverCore = 1] = values.cores.split(',').map(Number);
if (!values.unpinned) await pinDriver(driverCore);
if (values.urgent) hurry([process.pid]);
const results: Result[] = [];
for (const users of sizes) {
  for (const kind of kinds) {
    const runs: Result[] = [];
    for (let run = 0; run < Number(values.repeat); run += 1) {
      const core = values.unpinned ? undefined : hubCore;
      const result = await storm(kind, { users, within: Number(values.within), core, urgent: values.urgent });
      process.stderr.write(
        `${kind.title}, ${users}: ${result.ready} ready, ${result.refused} refused, ${result.failed} failed; ` +
          `${result.startsPerSecond.toFixed(0)}/s, ${result.cpuPerStart.hub.toFixed(2)} ms hub, ` +
          `${result.cpuPerStart.proxy.toFixed(2)} ms proxy, health p99 ${result.health.p99.toFixed(0)} ms\n` +
          result.problems.map((problem) => `  ${problem}\n`).join(''),
      );
      runs.push(result);
    }
    // The machine is never quite quiet: the median run by throughput stands for all.
    const sorted = runs.toSorted((a, b) => a.startsPerSecond - b.startsPerSecond);
    const median = sorted[Math.floor((sorted.length - 1) / 2)];
    if (median) results.push(median);
  }
}
const machine = machineFacts();
process.stdout.write(values.json ? `${JSON.stringify({ machine, results }, null, 2)}\n` : asMarkdown(machine, results));
