import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pinDriver } from '../hub/children.ts';
import { hurry } from '../hub/processes.ts';
import { CASES } from './cases.ts';
import { compare, type Outcome } from './compare.ts';
import { isThere, PEERS } from './peers.ts';
import { asMarkdown, goalsOf, machineLine } from './report.ts';

const RESULTS = fileURLToPath(new URL('../results/', import.meta.url));

const HELP = `npm run bench:proxy -- [options]

  --cases <names>    ${CASES.map(({ name }) => name).join(', ')}; all of them
  --peers <names>    ${PEERS.map(({ name }) => name).join(', ')}; all that are installed. Atrium always takes part
  --rounds <n>       turns of each proxy in each case; the median is shown. 5
  --seconds <s>      of load per turn. 3
  --cores <a>,<b>    core of the proxy, core of load and server. 0,1
  --unpinned         leave the placing to the kernel
  --urgent           as root: go before everything else on the machine
  --out <folder>     where proxy.md and proxy.json go. bench/results
  --json             results to the terminal as JSON
`;

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: CASES.map(({ name }) => name).join(',') },
    peers: {
      type: 'string',
      default: PEERS.filter(isThere)
        .map(({ name }) => name)
        .join(','),
    },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    cores: { type: 'string', default: '0,1' },
    unpinned: { type: 'boolean', default: false },
    urgent: { type: 'boolean', default: false },
    out: { type: 'string', default: RESULTS },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** Those of a list that are named, in the list's order. */
function chosen<T extends { name: string }>(what: string, names: string, all: readonly T[]): T[] {
  const wanted = names.split(',');
  const unknown = wanted.find((name) => !all.some((one) => one.name === name));
  if (unknown !== undefined) {
    throw new Error(`There is no ${what} "${unknown}". There are: ${all.map(({ name }) => name).join(', ')}`);
  }
  return all.filter(({ name }) => wanted.includes(name));
}

function positive(option: 'rounds' | 'seconds'): number {
  const value = Number(values[option]);
  if (!(value > 0) || (option === 'rounds' && !Number.isInteger(value))) {
    throw new Error(`--${option} takes a ${option === 'rounds' ? 'whole ' : ''}number above 0`);
  }
  return value;
}

if (values.help) process.stdout.write(HELP);
else {
  const cases = chosen('case', values.cases, CASES);
  const peers = chosen('proxy', `atrium,${values.peers}`, PEERS);
  const absent = peers.find((peer) => !isThere(peer));
  if (absent) throw new Error(`${absent.title} is not installed on this machine`);
  const [proxyCore, loadCore] = values.cores.split(',').map(Number);
  if (!Number.isInteger(proxyCore) || !Number.isInteger(loadCore)) throw new Error('--cores takes two cores, like 0,1');
  const [rounds, seconds] = [positive('rounds'), positive('seconds')];
  if (!values.unpinned) await pinDriver(loadCore!);
  if (values.urgent) hurry([process.pid]);
  const outcome: Outcome = await compare({
    cases,
    peers,
    rounds,
    ms: seconds * 1000,
    core: values.unpinned ? undefined : proxyCore,
    urgent: values.urgent,
    say: (line) => void process.stderr.write(`${line}\n`),
  });
  const table = asMarkdown(outcome);
  const goals = goalsOf(outcome);
  const json = `${JSON.stringify({ ...outcome, machineLine: machineLine(outcome), goals }, null, 2)}\n`;
  mkdirSync(values.out, { recursive: true });
  writeFileSync(join(values.out, 'proxy.md'), table);
  writeFileSync(join(values.out, 'proxy.json'), json);
  process.stdout.write(values.json ? json : table);
  if (goals.some(({ met }) => !met)) process.exitCode = 1;
}
