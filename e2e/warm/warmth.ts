import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
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

/** A template loads at low priority. */
const TEMPLATE = { timeout: 300_000, interval: 100 };
const WRITTEN = { timeout: 10_000, interval: 50 };

export async function warmOf(cli: TestCli): Promise<Warm> {
  const { hub } = await cli.json<{ hub?: { warm?: Warm } }>('status');
  return hub?.warm ?? { templates: [], starts: { warm: 0, cold: {} } };
}

export const templatesOf = async (cli: TestCli) => (await warmOf(cli)).templates;

/** The templates that servers can be forked from now. */
export const readyTemplates = async (cli: TestCli) => (await templatesOf(cli)).filter(({ state }) => state === 'ready');

/** Until servers can be forked. */
export const untilWarm = (cli: TestCli) =>
  vi.waitFor(async () => {
    const warm = await warmOf(cli);
    // With everything that is known, for whoever reads why none came.
    if (!warm.templates.some(({ state }) => state === 'ready')) throw new Error(`No template: ${JSON.stringify(warm)}`);
  }, TEMPLATE);

/** What the launch folder says of this start; undefined while nothing has been written. */
export function startLine({ places }: World, { launch }: Started): StartLine | undefined {
  const file = join(places.runDir, 's', launch, 'start');
  if (!existsSync(file)) return undefined;
  const { start, reason, detail } = JSON.parse(readFileSync(file, 'utf8')) as Omit<StartLine, 'kind'> & {
    start: StartLine['kind'];
  };
  return { kind: start, reason, detail };
}

/** Fails when a server did not begin as it had to: a fallback must not pass for a warm start. */
export async function expectStart(world: World, server: Started, kind: 'warm' | 'cold'): Promise<StartLine> {
  await expect.poll(() => startLine(world, server), WRITTEN).toMatchObject({ kind });
  return startLine(world, server)!;
}
