import type { AppContext } from '../context.ts';
import { get, type Reply } from '../servers/ask.ts';
import type { Server } from '../servers/servers.service.ts';

/** How long a person who pressed a button waits for the answer. */
const ASK_TIMEOUT = 2_000;

interface Session {
  path?: unknown;
  name?: unknown;
  kernel?: { id?: unknown; name?: unknown; execution_state?: unknown } | null;
}

/** One GET of a server's own API with its token. Status 0 when it has no address. */
export async function askServer(ctx: AppContext, server: Server, path: string, timeoutMs: number): Promise<Reply> {
  if (!server.address) return { status: 0, headers: {}, body: '' };
  const authorization = `token ${ctx.keys.serverToken(server.id, server.generation, server.tokenNumber).reveal()}`;
  const url = ctx.urls.server(server.userName, server.name) + path;
  return get(server.address, url, { authorization }, timeoutMs);
}

/**
 * What a stop or a resize would interrupt now: names of notebooks (or kernels) with a running cell. Empty when nothing
 * runs, and when the server does not answer in time: whoever wants to stop a stuck server is not kept from it.
 */
export async function runningWork(ctx: AppContext, server: Server): Promise<string[]> {
  if (server.phase !== 'ready') return [];
  try {
    const ask = async (path: string) => listIn(await askServer(ctx, server, path, ASK_TIMEOUT));
    const [sessions, kernels] = await Promise.all([ask('api/sessions'), ask('api/kernels')]);
    return busyNames(sessions as Session[], kernels as NonNullable<Session['kernel']>[]);
  } catch (err) {
    ctx.log.info({ err, server: server.id }, 'a server that is to be stopped did not say what runs in it');
    return [];
  }
}

function listIn({ status, body }: { status: number; body: string }): unknown[] {
  if (status !== 200) return [];
  const list: unknown = JSON.parse(body);
  return Array.isArray(list) ? list.filter((item) => typeof item === 'object' && item !== null) : [];
}

/** A kernel of a notebook goes by the notebook's name; one without by its own. */
function busyNames(sessions: readonly Session[], kernels: readonly NonNullable<Session['kernel']>[]): string[] {
  const names = new Map<string, string>();
  for (const { id, name, execution_state: state } of kernels) {
    if (state === 'busy') names.set(String(id), text(name) ?? 'kernel');
  }
  for (const { path, name, kernel } of sessions) {
    const id = String(kernel?.id);
    if (kernel?.execution_state === 'busy' || names.has(id)) names.set(id, text(name) ?? text(path) ?? 'notebook');
  }
  return [...names.values()].map((name) => name.slice(0, 120)).slice(0, 20);
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
