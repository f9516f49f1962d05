import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { testPython5 } from '../../tools/test-machine.ts';
import { machineFacts } from '../hub/machine.ts';
import { hurry } from '../hub/processes.ts';
import { KINDS } from './kinds.ts';
import { measure, type Result } from './measure.ts';
import { asMarkdown, goalsOf } from './report.ts';

/** A hundred cold ones are ten GB. */
const MOST_SERVERS = 200;

const HELP = `npm run bench:start -- [options]

  --kinds <names>      ${KINDS.map(({ name }) => name).join(', ')}; all of them
  --servers <numbers>  how many start at the same moment, with commas. 1,10,100
  --repeat <n>         how often a single server is started, and a kernel; the median is shown. 5
  --python <folder>    the Python environment of the servers, else that of the tests with JupyterHub 5.5
  --json               machine facts, results and goals instead of tables
  --out <file>         for the tables, too
  --urgent             as root: hubs, servers and driver go before everything else
`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    kinds: { type: 'string', default: KINDS.map(({ name }) => name).join(',') },
    servers: { type: 'string', default: '1,10,100' },
    repeat: { type: 'string', default: '5' },
    python: { type: 'string' },
    json: { type: 'boolean', default: false },
    out: { type: 'string' },
    urgent: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit();
}

const kinds = values.kinds.split(',').map((name) => {
  const kind = KINDS.find((one) => one.name === name);
  if (!kind) throw new Error(`There is no kind "${name}". There are: ${KINDS.map((one) => one.name).join(', ')}`);
  return kind;
});
const sizes = values.servers.split(',').map(Number);
if (!sizes.every((size) => Number.isInteger(size) && size > 0 && size <= MOST_SERVERS)) {
  throw new Error(`--servers takes whole numbers from 1 to ${MOST_SERVERS}, with commas`);
}
const repeat = Number(values.repeat);
if (!Number.isInteger(repeat) || repeat < 1) throw new Error('--repeat takes a whole number from 1');
const python = values.python ?? testPython5();
if (!python) throw new Error('No Python environment: name one with --python, or run `npm run bench:start`');

if (values.urgent) hurry([process.pid]);
const results: Result[] = [];
for (const servers of sizes) {
  for (const kind of kinds) {
    const result = await measure(kind, { servers, python, repeat });
    results.push(result);
    process.stderr.write(
      `${kind.title}, ${servers}: ${(result.allMs / 1000).toFixed(2)} s until all answered, ` +
        `${(result.cpuPerStart / 1000).toFixed(2)} s CPU and ${(result.pssPerServer / 2 ** 20).toFixed(0)} MB each` +
        `${result.warmth ? `; ${result.warmth.warm} warm, cold ${JSON.stringify(result.warmth.cold)}` : ''}\n`,
    );
  }
}
const machine = machineFacts();
const goals = goalsOf(results);
const table = asMarkdown(machine, 'jupyterhub-singleuser 5.5', results);
if (values.out) writeFileSync(values.out, table);
process.stdout.write(values.json ? `${JSON.stringify({ machine, results, goals }, null, 2)}\n` : table);
if (goals.some(({ met }) => !met)) process.exitCode = 1;
