import type { Json } from '@atrium/sdk';
import type { AppContext } from '../../context.ts';
import { pluginIo } from '../../plugins/plugin-io.ts';

const LINES = 60;
/** Programs print whole minified scripts when they fail; nobody reads those on a page. */
const LINE_LENGTH = 500;

/** The newest lines a start printed, oldest first, long ones cut. */
export async function readLog(ctx: AppContext, ref: Json, lines: number): Promise<readonly string[]> {
  const read = (await ctx.spawner.logs?.(ref, lines, pluginIo(ctx, AbortSignal.timeout(5_000)))) ?? [];
  return read.map((line) => (line.length > LINE_LENGTH ? `${line.slice(0, LINE_LENGTH)}…` : line));
}

/** The same for a failure's record: a log that cannot be read must not hide the failure itself. */
export async function logTail(ctx: AppContext, { id, ref }: { id: string; ref: Json }): Promise<readonly string[]> {
  try {
    return await readLog(ctx, ref, LINES);
  } catch (err) {
    ctx.log.warn({ err, server: id }, 'could not read the log of a failed start');
    return [];
  }
}
