import type { z } from 'zod';
import type { AppContext } from '../context.ts';
import { type Share, type ShareCode, type SharedServer, scopesOfShare } from '../shares/shares.service.ts';
import type { NewShareCodeModel, ShareCodeModel, ShareModel } from './models.ts';
import { publicUrl } from './present.ts';
import { isoTime, isoTimeOrNull } from './times.ts';

/** As much of a server as those see with whom it is shared (contract §3.3). */
function presentShared(ctx: AppContext, { owner, name, phase, desired }: SharedServer) {
  const url = ctx.urls.serverUrl(owner, name);
  const ready = phase === 'ready' && desired === 'running';
  return { user: { name: owner }, name, url, full_url: publicUrl(ctx, url), ready };
}

export function presentShare(ctx: AppContext, share: Share): z.input<typeof ShareModel> {
  return {
    server: presentShared(ctx, share.server),
    scopes: scopesOfShare(share),
    user: share.user === null ? null : { name: share.user },
    group: share.group === null ? null : { name: share.group },
    kind: share.group === null ? 'user' : 'group',
    created_at: isoTime(share.created),
  };
}

export function presentCode(ctx: AppContext, code: ShareCode): z.input<typeof ShareCodeModel> {
  return {
    server: presentShared(ctx, code.server),
    scopes: scopesOfShare(code),
    id: `sc_${code.id}`,
    created_at: isoTime(code.created),
    expires_at: isoTime(code.expiresAt),
    exchange_count: code.exchangeCount,
    last_exchanged_at: isoTimeOrNull(code.lastExchangedAt),
  };
}

export function presentNewCode(ctx: AppContext, row: ShareCode, code: string): z.input<typeof NewShareCodeModel> {
  const url = acceptUrl(ctx, code);
  return { ...presentCode(ctx, row), code, accept_url: url, full_accept_url: publicUrl(ctx, url) };
}

/** Where the receiver of a code goes. */
export function acceptUrl({ urls }: Pick<AppContext, 'urls'>, code: string): string {
  return `${urls.hub}accept-share?code=${encodeURIComponent(code)}`;
}
