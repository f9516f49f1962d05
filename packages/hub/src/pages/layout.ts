import type { ScopeSet } from '@atrium/sdk';
import type { FastifyReply } from 'fastify';
import type { AppContext } from '../context.ts';
import type { MenuEntry } from '../services/menu.ts';
import { announcementsOf } from './announcements.ts';
import { type AssetName, asset } from './assets.ts';
import { brandSheet } from './brand.ts';
import { type Html, html } from './html.ts';
import { ICONS } from './icons.ts';
import { t } from './strings.ts';

/** What a page needs of the context: tests and tools can give just this. */
export type PageContext = Pick<AppContext, 'config' | 'urls' | 'authenticator'> &
  Partial<Pick<AppContext, 'serviceMenu' | 'announcements' | 'clock'>>;

export interface PageOptions {
  title: string;
  /** Who looks at it; a `Viewer` fits. Without one, no navigation. */
  requester: { user: { name: string; admin: boolean }; scopes?: ScopeSet } | null;
  current?: 'home' | 'token' | 'admin';
  /** For tables: more than 44 rem. */
  wide?: boolean;
  /** Seconds after which a browser without script loads the page again. */
  refresh?: number;
  /** Announcements that this browser has put away. */
  putAway?: ReadonlySet<number>;
  /** Beside the ones every page has. */
  scripts?: AssetName[];
}

/** Where a static file is served, by its content's version. */
export function assetUrl(ctx: PageContext, name: AssetName): string {
  return `${ctx.urls.hub}static/${asset(name).version}/${name}`;
}

function navigation(ctx: PageContext, { requester, current }: PageOptions): Html | null {
  if (!requester) return null;
  const { hub } = ctx.urls;
  const services = (requester.scopes && ctx.serviceMenu?.entriesFor(requester.scopes)) ?? [];
  const link = (page: NonNullable<PageOptions['current']>, text: string) =>
    html`<li><a href="${hub}${page}"${current === page && html` aria-current="page"`}>${text}</a></li>`;
  return html`<nav aria-label="${t.nav.label}"><ul>
${link('home', t.nav.home)}
${link('token', t.nav.tokens)}
${requester.user.admin && link('admin', t.nav.admin)}
</ul></nav>
${services.length > 0 && servicesMenu(services)}
<details class="menu"><summary><span class="visually-hidden">${t.nav.account} </span>${requester.user.name}</summary><ul>
${ctx.authenticator.accounts && html`<li><a href="${hub}change-password">${t.nav.changePassword}</a></li>`}
<li><a href="${hub}logout">${t.nav.signOut}</a></li>
</ul></details>`;
}

function servicesMenu(services: readonly MenuEntry[]): Html {
  return html`<details class="menu"><summary>${t.nav.services}</summary><ul>
${services.map(({ name, href }) => html`<li><a href="${href}">${name}</a></li>\n`)}
</ul></details>`;
}

/** A complete document around the main part of a page. */
export function page(ctx: PageContext, options: PageOptions, body: Html): string {
  const { branding } = ctx.config;
  const brand = brandSheet(ctx);
  const script = (name: AssetName) => html`<script src="${assetUrl(ctx, name)}" defer></script>\n`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${t.documentTitle(options.title, branding.name)}</title>
<link rel="icon" type="image/svg+xml" href="${assetUrl(ctx, 'logo.svg')}">
<link rel="stylesheet" href="${assetUrl(ctx, 'atrium.css')}">
${brand && html`<link rel="stylesheet" href="${ctx.urls.hub}static/${brand.version}/brand.css">`}
<script src="${assetUrl(ctx, 'theme.js')}"></script>
${script('page.js')}${options.scripts?.map(script)}
${options.refresh !== undefined && html`<noscript><meta http-equiv="refresh" content="${options.refresh}"></noscript>`}
</head>
<body${options.wide && html` class="wide"`}>
<a class="skip" href="#main">${t.nav.skip}</a>
<header class="top"><div class="bar">
<a class="brand" href="${ctx.urls.hub}${options.requester ? 'home' : ''}">${ICONS.mark}<span>${branding.name}</span></a>
${navigation(ctx, options)}
${branding.helpUrl && html`<a class="help" href="${branding.helpUrl}">${t.nav.help}</a>`}
</div></header>
${branding.announcement && html`<p class="announcement" role="note">${branding.announcement}</p>`}
${announcementsOf(ctx, options.putAway)}
<main id="main" tabindex="-1">
${body}
</main>
<footer><button type="button" class="quiet" data-theme-switch data-light="${t.theme.light}" data-dark="${t.theme.dark}" hidden>${t.theme.dark}</button></footer>
</body>
</html>
`.toString();
}

/**
 * Nothing but our own files, nothing inline, nobody frames us. A form may end at other hosts only where OAuth leads on to
 * them: browsers hold this rule against every redirect that follows a form.
 */
function pagePolicy({ urls, serviceMenu }: PolicyContext): string {
  const ends = [urls.otherHosts, ...(serviceMenu?.callbackHosts ?? [])].filter((host) => host !== '');
  return [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    ["form-action 'self'", ...ends].join(' '),
    "frame-ancestors 'none'",
    "base-uri 'none'",
    `report-uri ${urls.hub}security/csp-report`,
  ].join('; ');
}

type PolicyContext = Pick<PageContext, 'urls' | 'serviceMenu'>;

/** Sends a document made by `page`. */
export function sendPage(ctx: PolicyContext, reply: FastifyReply, status: number, document: string): FastifyReply {
  return reply
    .code(status)
    .headers({
      'content-security-policy': pagePolicy(ctx),
      'cache-control': 'no-store',
      // A page of somebody's server, which has our origin, cannot look into ours by having opened it.
      'cross-origin-opener-policy': 'same-origin',
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
    })
    .type('text/html; charset=utf-8')
    .send(document);
}
