import { type Acme, type AcmeStore, challengeKind, type Words } from '@atrium/acme';
import type { AcmeConfig } from '../config/acme-schema.ts';
import type { AppContext } from '../context.ts';
import { deleteAlerts, putAlert } from '../upkeep/upkeep.service.ts';
import * as repo from './acme.repo.ts';

const ALERT = 'certificate_not_renewed';

/** What operators find in their configuration. */
export const WORDS: Words = {
  program: 'hub',
  ca: 'tls.acme.ca',
  eab: 'tls.acme.eab',
  dns: 'tls.acme.dns',
  dnsWait: 'tls.acme.dns.wait',
  zone: 'tls.acme.dns.route53.zoneId',
};

/** How a hub fetches certificates: what it has to remember is in the database, and all its proxies answer challenges. */
export function hubAcme(ctx: AppContext, config: AcmeConfig): Acme {
  const { db, keys, clock, log } = ctx;
  return {
    settings: config,
    kind: challengeKind(config, ctx.config.redirectPort),
    words: WORDS,
    store: storeOf(ctx),
    clock,
    log,
    async present(answers, signal) {
      const version = await repo.putChallenges(db, keys, answers);
      const takeBack = async () => {
        const without = await repo.takeBackChallenges(db, version);
        if (without !== undefined) await publish(ctx, without, AbortSignal.abort());
      };
      await publish(ctx, version, signal);
      return {
        [Symbol.asyncDispose]: () =>
          takeBack().catch((err) => log.warn({ err }, 'answers to ACME challenges were not taken back')),
      };
    },
    fingerprint: (secret) => keys.sign('acme-binding', secret),
    async tell(problem) {
      await deleteAlerts(db, { code: ALERT });
      if (problem !== undefined) await putAlert(db, { code: ALERT, message: problem }, clock.now());
    },
  };
}

function storeOf(ctx: AppContext): AcmeStore {
  const { db, keys } = ctx;
  return {
    findAccountKey: (directory) => repo.findAccountKey(db, keys, directory),
    keepAccountKey: (account) => repo.keepAccountKey(db, keys, account),
    readState: () => repo.readState(db),
    readOrder: () => repo.readOrder(db, keys),
    putOrder: (order) => repo.putOrder(db, keys, order),
    dropOrder: (url) => repo.dropOrder(db, url),
    putCertificate: async (issued, now, signal) =>
      publish(ctx, await repo.putCertificate(db, keys, issued, now), signal),
    putRenewal: (before, times) => repo.putRenewal(db, before, times),
    putFailure: (failure) => repo.putFailure(db, failure),
  };
}

/** Until the proxies have what was just stored, or a second has passed. */
async function publish(ctx: AppContext, version: number, signal: AbortSignal): Promise<void> {
  await ctx.certificates?.refresh();
  ctx.wakeups.notify('certificates');
  await ctx.appliedRoutes.wait(version, signal);
}
