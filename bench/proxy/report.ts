import { describeHardware } from '../hub/machine.ts';
import { CASES, type Case, type Figure } from './cases.ts';
import type { Outcome } from './compare.ts';
import { PEERS } from './peers.ts';

/** A goal and whether it was met. */
export interface Goal {
  case: string;
  figure: string;
  text: string;
  met: boolean;
}

export function machineLine(outcome: Outcome): string {
  const versions = Object.entries(outcome.versions).map(([title, version]) => `${title} ${version}`);
  return `${describeHardware(outcome.machine)}. ${versions.join(', ')}. ${outcome.rounds} rounds of ${outcome.seconds} s, medians.`;
}

function figureOf(outcome: Outcome, one: Case, peer: string, figure: Figure): number | undefined {
  return outcome.results.find((result) => result.case === one.name && result.peer === peer)?.median[figure.name];
}

/** Every goal that could be looked at: one against a proxy that did not take part cannot. */
export function goalsOf(outcome: Outcome): Goal[] {
  const goals: Goal[] = [];
  for (const one of CASES) {
    for (const figure of one.figures) {
      const ours = figureOf(outcome, one, 'atrium', figure);
      if (ours === undefined || !figure.goal) continue;
      const add = (text: string, met: boolean) => goals.push({ case: one.name, figure: figure.name, text, met });
      const { most } = figure.goal;
      if (most !== undefined) add(`≤ ${most}`, ours <= most);
      for (const peer of ['nginx', 'chp'] as const) {
        const factor = figure.goal[peer];
        const theirs = figureOf(outcome, one, peer, figure);
        if (factor === undefined || theirs === undefined) continue;
        const less = figure.better === 'less';
        const title = PEERS.find(({ name }) => name === peer)!.title;
        add(`${less ? '≤' : '≥'} ${factor} × ${title}`, less ? ours <= factor * theirs : ours >= factor * theirs);
      }
    }
  }
  return goals;
}

/** The machine in a sentence, a table of all figures with ratios to ours, and what could not be measured. */
export function asMarkdown(outcome: Outcome): string {
  const peers = PEERS.filter(({ title }) => title in outcome.versions);
  const others = peers.filter(({ name }) => name !== 'atrium');
  const goals = goalsOf(outcome);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const head = [
    '',
    ...peers.map(({ title }) => title),
    ...others.map(({ title }) => `Atrium / ${title}`),
    'goal',
    'met',
  ];
  const rows: string[] = [];
  for (const one of CASES) {
    if (!outcome.results.some((result) => result.case === one.name)) continue;
    rows.push(line([`**${one.title}**`, ...head.slice(1).map(() => '')]));
    for (const figure of one.figures) {
      const values = peers.map(({ name }) => figureOf(outcome, one, name, figure));
      const [ours] = values;
      const ratios = values.slice(1).map((theirs) => (ours && theirs ? `${(ours / theirs).toFixed(2)}` : '–'));
      const own = goals.filter((goal) => goal.case === one.name && goal.figure === figure.name);
      rows.push(
        line([
          figure.label,
          ...values.map((value) => value?.toFixed(figure.digits) ?? '–'),
          ...ratios,
          own.map(({ text }) => text).join(', '),
          own.map(({ met }) => (met ? 'yes' : 'no')).join(', '),
        ]),
      );
    }
  }
  const missing = outcome.missing.map(({ case: name, peer, why }) => `- ${name}: ${peer} ${why}.`);
  return [
    machineLine(outcome),
    '',
    line(head),
    line(head.map((_, at) => (at === 0 ? '---' : at > head.length - 3 ? '---' : '---:'))),
    ...rows,
    ...(missing.length > 0 ? ['', ...missing] : []),
    '',
  ].join('\n');
}
