import type { AppContext } from '../context.ts';
import { holdLease } from '../db/leases.repo.ts';
import { tokenOf } from './configured.ts';
import { serviceEnv } from './env.ts';
import { createHealthWatch } from './health.ts';
import type { ServiceEvent, ServiceProcess, ServiceRunner } from './runner/index.ts';
import { findService, listServices, noteService } from './services.repo.ts';

const LEASE_MS = 45_000;
/** A runner that hears nothing stops its services this long, and then some, before another hub can begin. */
const RUN_MS = 30_000;
const LOOK_MS = 10_000;

/** Which hub runs the services, of several on one database. */
const LEASE = 'services';

/** What a service wrote, for its log. */
export type ServiceOutput = (name: string, text: string) => void;

/**
 * Has the services of the configuration run, and looks whether they answer, until the signal. Of several hubs on one
 * database one does it at a time; a runner whose hub is cut off from the database stops them before another begins. On
 * SQLite there is one hub, and services outlive its restarts without a lease.
 */
export async function watchServices(
  ctx: AppContext,
  runner: ServiceRunner,
  output: ServiceOutput,
  signal: AbortSignal,
): Promise<void> {
  const health = createHealthWatch(ctx, signal);
  const note = (name: string, seen: Parameters<typeof noteService>[2]) =>
    void noteService(ctx.db, name, seen).catch(
      (err) => signal.aborted || ctx.log.warn({ err, service: name }, 'what a service does could not be stored'),
    );
  const listener = (event: ServiceEvent) => {
    if (event.kind === 'output') return output(event.name, event.text);
    tell(ctx, event);
    if (event.kind === 'started') {
      note(event.name, { pid: event.pid });
      health.began(event.name);
    } else {
      note(event.name, { pid: null, ...(event.againMs !== null && { problem: `It ended (${event.how}).` }) });
    }
  };
  runner.listen(listener);
  let mine = false;
  while (!signal.aborted) {
    try {
      // Another hub may have added one through the API.
      await ctx.serviceMenu.refresh();
      const now = ctx.clock.now();
      const alone = ctx.dialect === 'sqlite';
      const held = alone || (await holdLease(ctx.db, LEASE, ctx.instanceId, now, now + LEASE_MS));
      if (held) {
        runner.settle({ hubId: ctx.hubId, services: await processesOf(ctx), leaseMs: alone ? null : RUN_MS });
        health.look(await listServices(ctx.db));
      } else if (mine) {
        runner.settle({ hubId: ctx.hubId, services: [], leaseMs: null });
      }
      mine = held;
    } catch (err) {
      if (!signal.aborted) ctx.log.error({ err }, 'could not look after the services; trying again');
    }
    await ctx.clock.sleep(LOOK_MS, signal).catch(() => {});
  }
  runner.unlisten(listener);
  await health.idle();
}

async function processesOf(ctx: AppContext): Promise<ServiceProcess[]> {
  const processes: ServiceProcess[] = [];
  for (const configured of ctx.config.services) {
    const { name, command, cwd, user } = configured;
    if (!command) continue;
    const service = await findService(ctx.db, name);
    if (!service?.fromConfig) continue;
    const token = tokenOf(ctx, configured, service.id);
    if (!token) continue;
    const environment = serviceEnv(ctx, service, { configured, token });
    processes.push({ name, command, environment, cwd, user });
  }
  return processes;
}

function tell({ log }: AppContext, event: Exclude<ServiceEvent, { kind: 'output' }>): void {
  const { name } = event;
  if (event.kind === 'started') return log.info({ service: name, pid: event.pid }, 'a service runs');
  const { how, againMs } = event;
  if (againMs === null) log.info({ service: name, how }, 'a service was stopped');
  else log.warn({ service: name, how, againMs }, `the service ${name} ended (${how}); it is started again`);
}
