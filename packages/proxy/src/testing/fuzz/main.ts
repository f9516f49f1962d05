import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readCorpus, written } from '../corpus.ts';
import { Coverage } from './coverage.ts';
import { type Finding, fuzz, type Progress, seedsOf } from './fuzz.ts';

const USAGE = `Changes the corpus at random, guided by the coverage of the parsers, and compares the proxy's reading with llhttp's.

  --minutes <n>     how long (default 1)
  --executions <n>  how many inputs, in place of a time
  --seed <n>        of the random numbers (default: another each time)
  --out <folder>    where findings are written, in the corpus' own spelling (default .cache/fuzz-proxy)
`;
const LOG_MS = 60_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    executions: { type: 'string' },
    seed: { type: 'string' },
    out: { type: 'string', default: '.cache/fuzz-proxy' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) process.stdout.write(USAGE);
else process.exitCode = run() > 0 ? 1 : 0;

/** @returns how many findings */
function run(): number {
  const seed = values.seed === undefined ? Date.now() % 2 ** 31 : wholeNumber('--seed', values.seed);
  const most = values.executions === undefined ? Infinity : wholeNumber('--executions', values.executions);
  const minutes = Number(values.minutes);
  if (!(minutes > 0)) throw new Error(`--minutes takes a number above 0, not ${values.minutes}`);
  const seeds = (['requests', 'responses'] as const).flatMap((kind) => seedsOf(kind, readCorpus(kind)));
  const began = Date.now();
  const until = most === Infinity ? began + minutes * 60_000 : Infinity;
  let nextLog = began + LOG_MS;
  say(`seed ${seed}, ${seeds.length} cases`);

  using coverage = new Coverage((url) => /\/proxy\/src\/(?:head|fields|body|forwarded)\.ts$/.test(url));
  const goOn = (progress: Progress): boolean => {
    const now = Date.now();
    if (now >= nextLog) {
      nextLog = now + LOG_MS;
      say(describe(progress, now - began));
    }
    return now < until && progress.executions < most;
  };
  const onFinding = (finding: Finding): void => say(`FOUND ${finding.problem}\n${write(values.out, seed, finding)}`);
  const progress = fuzz({ seeds, seed, coverage, goOn, onFinding });
  say(`done: ${describe(progress, Date.now() - began)}`);
  return progress.findings;
}

function describe({ executions, kept, features, findings }: Progress, ms: number): string {
  const minutes = (ms / 60_000).toFixed(1);
  return `${minutes} min, ${executions} inputs, ${kept} kept, ${features} features covered, ${findings} findings`;
}

/** A case to be put in the corpus, as it is written there. */
function write(folder: string, seed: number, { input, problem }: Finding): string {
  const { kind, text, asked } = input;
  const name = `${kind}-${seed}-${problem.replace(/[^A-Za-z]+/g, '-').slice(0, 40)}.txt`;
  const askedLine = asked === 'HEAD' ? 'asked HEAD\n' : '';
  const spelt = `=== ${problem.slice(0, 60)}\nwhy ${problem}\n${askedLine}${written(Buffer.from(text, 'latin1'))}\n`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), spelt);
  return spelt;
}

function wholeNumber(option: string, value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`${option} takes a whole number, not ${value}`);
  return number;
}

function say(line: string): void {
  process.stdout.write(`${new Date().toISOString()} ${line}\n`);
}
