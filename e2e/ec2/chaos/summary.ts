import type { Wrong } from './check.ts';
import type { ChaosResult } from './rounds.ts';

/** How many things of this kind were wrong. */
export function count({ failed }: ChaosResult, kind: Wrong['kind']): number {
  return failed.flatMap(({ wrong }) => wrong).filter((one) => one.kind === kind).length;
}

function counted(names: readonly string[]): [string, number][] {
  const groups = Map.groupBy(names, (name) => name);
  return [...groups].map(([name, all]): [string, number] => [name, all.length]).sort((a, b) => b[1] - a[1]);
}

/** Figures of a run, for whoever reads its output. */
export function summary(result: ChaosResult): string {
  const { seed, rounds, disturbances, missed, kills, dropped, machines, homes, failed, ms } = result;
  const lines = [
    `seed ${seed}: ${rounds} rounds, disturbed ${disturbances} times by ${kills.length} hubs killed, ${dropped} answers dropped beside; ${missed} stories were over before a kill; ${Math.round(ms / 1000)} s`,
    `${machines} calls to launch a machine, ${homes} to make a home`,
    `duplicates ${count(result, 'duplicate')}, lost homes ${count(result, 'lost home')}, orphans ${count(result, 'orphan')}, ` +
      `foreign things changed ${count(result, 'foreign')}, inconsistent ${count(result, 'inconsistent')}, ` +
      `locked out ${count(result, 'locked out')}, unknown to the simulator ${count(result, 'violation')}`,
    ...counted(kills.map(({ place }) => place)).map(([place, times]) => `  ${place}: ${times}`),
    ...counted(kills.map(({ place, what }) => `${place}, ${what}`)).map(([what, times]) => `    ${what}: ${times}`),
    ...failed.map(({ round, plan, wrong }) => `round ${round} ${JSON.stringify(plan)}: ${JSON.stringify(wrong)}`),
  ];
  return lines.join('\n');
}
