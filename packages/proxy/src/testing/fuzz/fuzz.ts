import type { Case } from '../corpus.ts';
import { judgeAnswer, judgeRequests, type Verdict } from '../judge.ts';
import { chance, type Pick } from './chance.ts';
import type { Coverage } from './coverage.ts';
import { mutate } from './mutate.ts';

/** What the parsers are given. */
export interface Input {
  kind: 'requests' | 'responses';
  /** latin1 */
  text: string;
  /** Of answers: to what. */
  asked: 'GET' | 'HEAD';
  /** Of answers: the server closed the connection behind it. */
  ended: boolean;
}

export interface Finding {
  input: Input;
  problem: string;
}

export interface FuzzOptions {
  seeds: Input[];
  seed: number;
  coverage: Coverage;
  /** Asked after each batch. */
  goOn(progress: Progress): boolean;
  /** Each problem once, in its smallest form. */
  onFinding(finding: Finding): void;
}

export interface Progress {
  executions: number;
  /** Inputs that did something new. */
  kept: number;
  /** Blocks and counts seen. */
  features: number;
  findings: number;
}

const BATCH = 256;
/** What is longer is hardly ever changed where it matters. */
const MAX_SEED = 2048;
/** Problems that differ in numbers only are one. */
const kindOf = (problem: string) => problem.replace(/[0-9]+/g, 'N').slice(0, 60);

/** The cases of a corpus as what to begin with. */
export function seedsOf(kind: Input['kind'], cases: readonly Case[]): Input[] {
  return cases
    .filter(({ bytes }) => bytes.length <= MAX_SEED)
    .map(({ bytes, asked }) => ({ kind, text: bytes.toString('latin1'), asked, ended: false }));
}

/** Judges one input. What it throws is a problem too. */
export function judge({ kind, text, asked, ended }: Input, seed = 1): Verdict {
  const pick = chance(seed);
  const cuts = () => 1 + pick(7);
  const bytes = Buffer.from(text, 'latin1');
  try {
    return kind === 'requests' ? judgeRequests(bytes, cuts) : judgeAnswer(bytes, asked, ended, cuts);
  } catch (error) {
    return { problem: `threw ${(error as Error).message}`, signature: 'threw' };
  }
}

/** Changes inputs, and keeps those that reach what none before did, as what to change next. */
export function fuzz({ seeds, seed, coverage, goOn, onFinding }: FuzzOptions): Progress {
  const pick = chance(seed);
  const queue: Input[] = [];
  const found = new Set<string>();
  const progress: Progress = { executions: 0, kept: 0, features: 0, findings: 0 };

  const look = (input: Input): Verdict => {
    progress.executions++;
    const verdict = judge(input, progress.executions);
    if (verdict.problem !== '' && !found.has(kindOf(verdict.problem))) {
      found.add(kindOf(verdict.problem));
      progress.findings++;
      const smallest = shrink(input, (smaller) => kindOf(judge(smaller).problem) === kindOf(verdict.problem));
      onFinding({ input: smallest, problem: judge(smallest).problem || verdict.problem });
    }
    return verdict;
  };
  /** Runs an input by itself, and keeps it when it is new. */
  const consider = (input: Input): void => {
    const { signature } = look(input);
    const features = [...coverage.take(true), `${input.kind} ${signature}`];
    if (coverage.add(features) > 0) queue.push(input);
  };
  /** Runs them in one go; looks closer, by halves, only where something new happened. */
  const search = (inputs: readonly Input[]): void => {
    if (inputs.length === 1) return consider(inputs[0]!);
    // One of each signature is enough.
    const fresh = new Map(inputs.map((input) => [`${input.kind} ${look(input).signature}`, input]));
    if (coverage.anyNew(coverage.take(false))) {
      const half = Math.ceil(inputs.length / 2);
      search(inputs.slice(0, half));
      search(inputs.slice(half));
    } else for (const [feature, input] of fresh) if (coverage.anyNew([feature])) consider(input);
  };

  coverage.take(false);
  for (const input of seeds) consider(input);
  while (goOn(progress)) {
    search(Array.from({ length: BATCH }, () => next(queue, pick)));
    progress.kept = queue.length;
    progress.features = coverage.size;
  }
  return progress;
}

function next(queue: readonly Input[], pick: Pick): Input {
  // Half the time from what came last: there is the edge of what is known.
  const recent = pick(2) === 0 ? Math.max(0, queue.length - 64) : 0;
  const input = queue[recent + pick(queue.length - recent)]!;
  const other = queue[pick(queue.length)]!;
  const { kind } = input;
  const text = mutate(input.text, other.text, pick);
  return { kind, text, asked: pick(8) === 0 ? 'HEAD' : input.asked, ended: kind === 'responses' && pick(2) === 0 };
}

/** Takes away what the problem does not need. */
function shrink(input: Input, same: (input: Input) => boolean): Input {
  let smallest = input;
  if (!same(input)) return input;
  for (let size = Math.ceil(input.text.length / 2); size >= 1; size = size > 1 ? Math.ceil(size / 2) : 0) {
    for (let at = 0; at < smallest.text.length; ) {
      const text = smallest.text.slice(0, at) + smallest.text.slice(at + size);
      if (same({ ...smallest, text })) smallest = { ...smallest, text };
      else at += size;
    }
  }
  return smallest;
}
