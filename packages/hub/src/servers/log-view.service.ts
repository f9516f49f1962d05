import { HubError } from '@atrium/sdk';
import type { AppContext } from '../context.ts';
import { isActive, type Server } from './server.ts';
import { serverLog } from './servers.service.ts';

/** What a server wrote, as somebody else than its owner may read it. */
export interface LogView {
  /** Oldest first. */
  lines: string[];
  from: 'server' | 'last failure' | 'last run' | 'nothing';
}

/** @throws HubError `bad_request` where nothing is kept; `server_unreachable` when it cannot be read now. */
export async function viewLog(ctx: AppContext, server: Server, lines: number): Promise<LogView> {
  const kept = server.failure?.log.length ? server.failure.log : undefined;
  if (!ctx.spawner.logs && !kept) throw new HubError('bad_request', 'This kind of server keeps no log.');
  const read = ctx.spawner.logs ? await tryToRead(ctx, server, lines) : [];
  const shown = read.length > 0 ? read : isActive(server) ? [] : (kept ?? []).slice(-lines);
  const token = ctx.keys.serverToken(server.id, server.generation, server.tokenNumber).reveal();
  return { lines: shown.map((line) => withoutSecrets(line, token)), from: originOf(server, shown.length > 0) };
}

async function tryToRead(ctx: AppContext, server: Server, lines: number): Promise<readonly string[]> {
  try {
    return await serverLog(ctx, server, lines);
  } catch (cause) {
    throw new HubError('server_unreachable', 'The log cannot be read right now. Try again in a moment.', { cause });
  }
}

function originOf(server: Server, any: boolean): LogView['from'] {
  if (isActive(server)) return 'server';
  if (!any) return 'nothing';
  return server.failure ? 'last failure' : 'last run';
}

const HIDDEN = '«hidden»';

/** What programs print of keys and passwords. Names are shown, what follows them is not. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/\b(authorization["']?\s*[:=]\s*["']?(?:token|bearer|basic)\s+)[^\s"',]+/gi, `$1${HIDDEN}`],
  [
    /((?:token|passw(?:or)?d|passphrase|secret|cookie|api_?key|access_?key|private_?key)[\w-]*["']?\s*[:=]\s*["']?)[^\s"'&,;]+/gi,
    `$1${HIDDEN}`,
  ],
  [/(\/\/[^\s/:@]+:)[^\s/@]+(?=@)/g, `$1${HIDDEN}`],
  [/\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g, HIDDEN],
];
/** Colours and the like, and whatever else moves a terminal's cursor. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROLS = /\u001b\[[0-9;?]*[ -/]*[@-~]|\u001b[@-Z\\-_]|[\u0000-\u0008\u000b-\u001f\u007f]/g;

/** A line as it may be shown: the server's own token, and what looks like a secret, are blanked. */
export function withoutSecrets(line: string, token: string): string {
  const plain = line.replace(CONTROLS, '').replaceAll(token, HIDDEN);
  return SECRETS.reduce((text, [pattern, shown]) => text.replace(pattern, shown), plain);
}
