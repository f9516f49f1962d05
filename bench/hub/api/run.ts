import { parseArgs } from 'node:util';
import { pinDriver } from '../children.ts';
import type { Placing } from '../hub.ts';
import { machineFacts } from '../machine.ts';
import { hurry } from '../processes.ts';
import { boots } from './boots.ts';
import { type SeededKind, seededAtrium, seededJupyterhub } from './kinds.ts';
import { logins } from './logins.ts';
import { many } from './many.ts';
import { rates } from './rates.ts';
import { type ApiResults, asMarkdown } from './report.ts';

const KINDS: Record<string, SeededKind> = { atrium: seededAtrium, jupyterhub: seededJupyterhub };
const SCENES = ['rates', 'logins', 'boots', 'many'] as const;

const HELP = `node --conditions=atrium-source bench/hub/api/run.ts [options]

  --scenes <names>   ${SCENES.join(', ')}; all of them
  --hubs <names>     ${Object.keys(KINDS).join(', ')}; both
  --users <n>        people in the scene rates. 1000
  --seconds <s>      of load for each question, after --warm <s> of it. 5, 3
  --browsers <n>     who sign in at once in the scene logins. 200
  --boot-users <n>   people in the scene boots. 10000
  --boots <n>        starts of it. 3
  --many-users <n>   people in the scene many, beside a hundredth of them. 50000
  --rounds <n>       turns of each size in the scene many, for each question. 5
  --cores <a>,<b>    core of hub and proxy, core of those who ask. 0,1
  --unpinned         leave the placing to the kernel
  --urgent           as root: go before everything else on the machine
  --json             machine and results instead of tables
`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    scenes: { type: 'string', default: SCENES.join(',') },
    hubs: { type: 'string', default: Object.keys(KINDS).join(',') },
    users: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '5' },
    warm: { type: 'string', default: '3' },
    browsers: { type: 'string', default: '200' },
    'boot-users': { type: 'string', default: '10000' },
    boots: { type: 'string', default: '3' },
    'many-users': { type: 'string', default: '50000' },
    rounds: { type: 'string', default: '5' },
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

const number = (
  option: 'users' | 'seconds' | 'warm' | 'browsers' | 'boots' | 'boot-users' | 'many-users' | 'rounds',
) => {
  const value = Number(values[option]);
  if (!(value > 0)) throw new Error(`--${option} takes a number above 0`);
  return value;
};
const kinds = values.hubs.split(',').map((name) => {
  const kind = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  if (!kind) throw new Error(`There is no hub "${name}". There are: ${Object.keys(KINDS).join(', ')}`);
  return kind;
});
const scenes = values.scenes.split(',');
for (const scene of scenes) {
  if (!(SCENES as readonly string[]).includes(scene)) {
    throw new Error(`There is no scene "${scene}". There are: ${SCENES.join(', ')}`);
  }
}

const [hubCore = 0, driverCore = 1] = values.cores.split(',').map(Number);
if (!values.unpinned) await pinDriver(driverCore);
if (values.urgent) hurry([process.pid]);
const placing: Placing = { core: values.unpinned ? undefined : hubCore, urgent: values.urgent };
const pace = { seconds: number('seconds'), warm: number('warm') };
/** As many as that have a running server: one in five. */
const share = (users: number) => Math.max(1, Math.round(users / 5));
/** One in twenty-five, as with 50,000 people and 2,000 servers. */
const fewer = (users: number) => Math.max(1, Math.round(users / 25));

async function each<Row>(scene: string, measure: (kind: SeededKind) => Promise<Row>): Promise<Row[]> {
  const rows: Row[] = [];
  for (const kind of kinds) {
    const row = await measure(kind);
    process.stderr.write(`${scene}, ${kind.title}: ${JSON.stringify(row)}\n`);
    rows.push(row);
  }
  return rows;
}

const results: ApiResults = {};
if (scenes.includes('rates')) {
  const users = number('users');
  const options = { users, running: share(users), ...pace, ...placing };
  results.rates = (await each('rates', (kind) => rates(kind, options))).flat();
}
if (scenes.includes('logins')) {
  results.logins = await each('logins', (kind) => logins(kind, { browsers: number('browsers'), ...placing }));
}
if (scenes.includes('boots')) {
  const users = number('boot-users');
  // Nothing is driven meanwhile, so hub and proxy have the whole machine.
  const options = { users, running: share(users), times: number('boots'), urgent: values.urgent };
  results.boots = await each('boots', (kind) => boots(kind, options));
}
if (scenes.includes('many')) {
  const sizes = [Math.ceil(number('many-users') / 100), number('many-users')].map((users) => ({
    users,
    running: fewer(users),
  }));
  results.many = await many({ sizes, rounds: number('rounds'), ...pace, ...placing });
}
const machine = machineFacts();
process.stdout.write(values.json ? `${JSON.stringify({ machine, results }, null, 2)}\n` : asMarkdown(machine, results));
