import type { AuditRecord } from '../../audit/audit.service.ts';
import type { AppContext } from '../../context.ts';
import type { Html } from '../html.ts';
import type { PageContext } from '../layout.ts';
import { auditPage } from '../templates/audit.ts';

/** The audit trail with entries of every kind, and with none. */
export function auditPages(
  bare: PageContext,
  { now, text }: { now: number; text: string },
): Record<string, [{ title: string; current: 'admin'; wide: true }, Html]> {
  const ctx: PageContext = {
    ...bare,
    config: { ...bare.config, audit: { keep: 365 * 86_400 } } as AppContext['config'],
  };
  const record = (change: Partial<AuditRecord>): AuditRecord => ({
    id: 1,
    at: now,
    action: 'server.start',
    by: { kind: 'user', name: 'ada' },
    via: 'session',
    token: null,
    ip: '192.0.2.7',
    of: { kind: 'server', name: text, owner: 'ada' },
    requestId: 'q9WvVKi1-1',
    detail: {},
    ...change,
  });
  const records = [
    record({ detail: { options: text, changed: ['profile', 'a-very-long-name-of-an-option-that-somebody-chose'] } }),
    record({ action: 'token.create', via: 'token', token: text, ip: '2001:db8:85a3::8a2e:370:7334' }),
    record({ action: 'config.change', by: { kind: 'system', name: '' }, via: '', ip: null, of: null, requestId: null }),
    record({
      action: 'user.delete',
      by: { kind: 'service', name: text },
      of: { kind: 'user', name: text, owner: null },
    }),
  ];
  const search = { user: text, action: 'server', q: text, since: '2026-11-01', until: '2026-11-21' };
  const nothing = { user: '', action: '', q: '', since: '', until: '' };
  const options = { title: 'Audit trail', current: 'admin', wide: true } as const;
  return {
    audit: [options, auditPage({ ctx, search, records, next: 17, later: true })],
    'audit-none': [options, auditPage({ ctx, search: nothing, records: [], next: null, later: false, error: text })],
  };
}
