import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadedConfig } from '@atrium/hub/config';
import type { WarmReport } from '@atrium/sdk';
import type { Asker } from '../cli/ask.ts';
import type { Places } from '../files/data-dir.ts';
import { explainPort, probePort } from '../up/port.ts';
import { readState } from '../up/state.ts';
import { bindWarning } from '../up/words.ts';
import { type Check, fail, ok, warn } from './check.ts';

const LOG_LINES = 3;
const WARN = 40;

interface HubFacts {
  database: string;
  users: number;
  admins: number;
  onlyFirstAdmin: boolean;
  spawner: { id: string; isolation: string; limits: string[] };
  warnings: string[];
  warm: WarmReport | null;
}

/** What only the hub can say: whether its database answers, and what keeps servers apart on this machine. */
export async function checkHub(asker: Asker): Promise<Check[]> {
  let facts: HubFacts;
  try {
    facts = await asker.ask<HubFacts>('status');
  } catch (error) {
    const said = lastWarnings(asker.places);
    const advice = said.length > 0 ? `The hub said:\n${said.join('\n')}` : `Its log: ${asker.places.logDir}/hub.log`;
    return [fail('hub and database', (error as Error).message, advice)];
  }
  const { isolation, id, limits } = facts.spawner;
  const limited = limits.length > 0 ? `limits: ${limits.join(', ')}` : 'no limits';
  return [
    ok('hub and database', `${facts.database} answers; ${facts.users} users`),
    facts.admins > 0
      ? ok('administrator', `${facts.admins}`)
      : warn('administrator', 'There is none yet.', 'atrium up prints a link to make the first account.'),
    facts.onlyFirstAdmin
      ? warn(
          'isolation',
          'Nothing keeps servers apart here, so only the first administrator may sign in.',
          "Run atrium as root, allow user namespaces, or write isolation: 'none' where everybody may be trusted.",
        )
      : ok('isolation', `${id}: ${isolation}, ${limited}`),
    ...warmCheck(facts.warm),
    ...facts.warnings.map((warning) => warn('this machine', warning, '')),
  ];
}

/** Whether starts are forked from a template, and what to do where they are not. */
function warmCheck(warm: WarmReport | null): Check[] {
  if (!warm) return [];
  const { off, templates, starts } = warm;
  if (warm.setting === 'cold' && off) return [ok('warm start', off.message)];
  if (off) return [warn('warm start', off.message, off.advice)];
  const ready = templates.filter(({ state }) => state === 'ready');
  if (ready.length === 0) return [ok('warm start', 'The template is being loaded.')];
  const details = ready.flatMap(({ detail }) => (detail ? [detail] : []));
  return [ok('warm start', [`${ready.length} ready, ${starts.warm} warm starts`, ...details].join('. '))];
}

/** The newest things the hub complained about. */
function lastWarnings({ logDir }: Places): string[] {
  const file = join(logDir, 'hub.log');
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        const { level, msg, err } = JSON.parse(line) as { level: number; msg?: string; err?: { message: string } };
        return level >= WARN || err ? [[msg, err?.message].filter(Boolean).join(': ')] : [];
      } catch {
        return []; // cut off by a kill or a full disk
      }
    })
    .filter((line, at, all) => all.indexOf(line, at + 1) < 0)
    .slice(-LOG_LINES);
}

/** Whether the hub can be reached where the configuration says, and by whom. */
export async function checkAddress(places: Places, { config }: LoadedConfig): Promise<Check[]> {
  const running = readState(places);
  const { port } = config;
  const host = running?.host ?? config.host;
  const state = running || port === 0 ? 'free' : await probePort(host, port);
  const where = running ? `Runs at ${running.url}` : `${host}:${port} is free`;
  const exposed = bindWarning({
    host,
    tls: config.tls,
    ...(config.publicUrl ? { publicUrl: config.publicUrl } : {}),
  });
  return [
    state === 'free'
      ? ok('port', where)
      : fail('port', explainPort(host, port, state, ''), 'Stop it, or set another port.'),
    ...(exposed.length > 0
      ? exposed.map((warning) => warn('encryption', warning, ''))
      : config.tls === undefined
        ? [ok('encryption', config.publicUrl ?? `Only this machine reaches ${host}`)]
        : []),
  ];
}
