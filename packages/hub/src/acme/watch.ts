import { isDue, turn } from '@atrium/acme';
import type { AcmeConfig } from '../config/acme-schema.ts';
import type { AppContext } from '../context.ts';
import { whileHeld } from '../db/while-held.ts';
import { hubAcme } from './hub-acme.ts';

const LOOK_MS = 2_000;
/** Of several hubs one fetches; when it dies in the middle of an order, another goes on after this. */
const LEASE_MS = 60_000;
const RENEW_LEASE_MS = 15_000;

/** The configuration's, when certificates are to be fetched. */
export function acmeOf({ tls }: AppContext['config']): AcmeConfig | undefined {
  return typeof tls === 'object' && 'acme' in tls ? tls.acme : undefined;
}

/** Fetches the certificate and renews it, until the signal. Of several hubs on one database one does it at a time. */
export async function watchCertificate(ctx: AppContext, signal: AbortSignal): Promise<void> {
  const config = acmeOf(ctx.config);
  const { certificates } = ctx;
  if (!config || !certificates) return;
  const acme = hubAcme(ctx, config);
  // Somebody else may have to prove the names where no proxy follows this hub: then one that has a proxy does it.
  const able = () => config.dns !== undefined || ctx.vitals.proxies > 0;
  while (!signal.aborted) {
    try {
      // Notices of other hubs may be missed, and proxies have to get what is served elsewhere, too.
      await certificates.refresh();
      if (able() && isDue(acme, certificates.state))
        await holdingLease(ctx, signal, (held) => turn(acme, held).finally(() => certificates.refresh()));
    } catch (err) {
      if (!signal.aborted) ctx.log.error({ err }, 'could not look after the certificate; trying again');
    }
    await ctx.clock.sleep(LOOK_MS, signal).catch(() => {});
  }
}

async function holdingLease(
  ctx: AppContext,
  signal: AbortSignal,
  act: (held: AbortSignal) => Promise<void>,
): Promise<void> {
  // On SQLite there is one hub: whatever lease is there belongs to a dead one.
  if (ctx.dialect === 'sqlite') return act(signal);
  const lease = { name: 'acme', forMs: LEASE_MS, everyMs: RENEW_LEASE_MS, work: 'looks after the certificate' };
  await whileHeld(ctx, lease, (lost) => act(AbortSignal.any([signal, lost])));
}
