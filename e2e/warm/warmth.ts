import { expect } from 'vitest';
import type { TestCli } from '../../packages/atrium/src/testing/cli.ts';
import type { Started, World } from './world.ts';

/** A process that servers are forked from. */
export interface Template {
  id: string;
  pid: number;
  state: string;
}

/** What `atrium status` says about warm starts since this hub began. */
interface Warm {
  templates: Template[];
  starts: { warm: number; cold: Record<string, number> };
}

/** How one start went. */
export interface StartLine {
  kind: 'warm' | 'cold';
  reason: string;
  detail: string;
}

const IN_THE_LOG = { timeout: 10_000, interval: 50 };

export async function warmOf(cli: TestCli): Promise<Warm> {
  const { hub } = await cli.json<{ hub?: { warm?: Warm } }>('status');
  return hub?.warm ?? { templates: [], starts: { warm: 0, cold: {} } };
}

export const templatesOf = async (cli: TestCli) => (await warmOf(cli)).templates;

/** The templates that servers can be forked from now. */
export const readyTemplates = async (cli: TestCli) => (await templatesOf(cli)).filter(({ state }) => state === 'ready');

/** What the hub's log says of this start. */
export function startLine(world: World, { launch }: Started): StartLine | undefined {
  const [server] = launch.split('.');
  const lines = world
    .hubLog()
    .split('\n')
    .filter((line) => line.includes(`"${server}"`));
  for (const line of lines.toReversed()) {
    const { msg, reason = '', detail = '' } = JSON.parse(line) as { msg?: string; reason?: string; detail?: string };
    const kind = /^(warm|cold) start$/.exec(msg ?? '')?.[1] as 'warm' | 'cold' | undefined;
    if (kind) return { kind, reason, detail };
  }
  return undefined;
}

/** Fails when a server did not begin as it had to: a fallback must not pass for a warm start. */
export async function expectStart(world: World, server: Started, kind: 'warm' | 'cold'): Promise<StartLine> {
  await expect.poll(() => startLine(world, server), IN_THE_LOG).toMatchObject({ kind });
  return startLine(world, server)!;
}
