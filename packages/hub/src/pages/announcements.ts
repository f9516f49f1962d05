import type { FastifyRequest } from 'fastify';
import type { Announcement } from '../announcements/announcements.service.ts';
import { readCookies } from '../http/cookies.ts';
import { type Html, html } from './html.ts';
import type { PageContext } from './layout.ts';
import { t } from './strings.ts';

/** Written by page.js: numbers of announcements, with dots between them. Harmless to forge: it only hides. */
const COOKIE = 'atrium-put-away';
/** More than anybody has on one page; a planted cookie must not cost time. */
const MOST = 100;

/** Which announcements the browser of this request has put away. */
export function putAwayIn(request: FastifyRequest): ReadonlySet<number> {
  const ids = readCookies(request, COOKIE).flatMap((value) => value.split('.', MOST));
  return new Set(ids.filter((id) => /^\d{1,15}$/.test(id)).map(Number));
}

/** What administrators tell everybody now, without what was put away. */
export function announcementsOf(ctx: PageContext, putAway?: ReadonlySet<number>): Html | null {
  const shown = ctx.clock ? (ctx.announcements?.shown(ctx.clock.now()) ?? []) : [];
  const left = shown.filter(({ id, dismissible }) => !dismissible || !putAway?.has(id));
  if (left.length === 0) return null;
  return html`<aside aria-label="${t.announcement.all}">
${left.map((each) => one(ctx, each))}</aside>
`;
}

/** A page that is left open puts it away itself when its time is over. */
function one({ urls }: PageContext, { id, text, level, endsAt, dismissible }: Announcement): Html {
  const warning = level === 'warning';
  return html`<div class="announcement${warning && ' warning'}" role="note" data-announcement="${id}"${
    endsAt !== null && html` data-until="${endsAt}"`
  }><p>${warning && html`<strong>${t.announcement.important}</strong> `}${text}</p>${
    dismissible &&
    html`<button type="button" class="quiet" data-put-away="${urls.hub}" hidden>${t.announcement.putAway}<span class="visually-hidden"> ${t.announcement.putAwayWhich}</span></button>`
  }</div>
`;
}
