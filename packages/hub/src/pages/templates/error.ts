import { type Html, html } from '../html.ts';
import type { PageContext } from '../layout.ts';
import { t } from '../strings.ts';
import { copyable } from './parts.ts';

export interface ErrorModel {
  ctx: PageContext;
  status: number;
  /** Stable code of the error catalogue; `internal` for a bug. */
  code?: string | undefined;
  /** What happened. Without one, the sentence for this status. */
  title?: string | undefined;
  message?: string | undefined;
  /** What the person can do. */
  advice?: string | undefined;
  /** Whether anything was lost; `Nothing was lost.` when not given. */
  lost?: string | undefined;
  requestId: string;
  signedIn?: boolean | undefined;
}

/** The heading for a status, for documents' titles too. */
export function errorTitle(status: number): string {
  return t.error.titles[status] ?? (status < 500 ? t.error.otherClient : t.error.otherServer);
}

function adviceFor(status: number): string {
  if (status === 404) return t.error.adviceGone;
  return status < 500 ? t.error.adviceClient : t.error.adviceServer;
}

/** What the API says of things that are not there and of things that are not theirs, alike (contract §3.1). */
const NOT_YOURS = 'No access to resources or resources not found';

function inPlainWords(code: string | undefined, message: string | undefined): string | undefined {
  if (message === NOT_YOURS) return t.error.notYours;
  return (code !== undefined && t.error.byCode[code]) || message;
}

/** Four parts: what happened, whether anything was lost, what to do, what to tell the administrator. */
export function errorPage({ ctx, status, code, title, message, advice, lost, requestId, signedIn }: ErrorModel): Html {
  const { contact } = ctx.config.branding;
  const words = inPlainWords(code, message);
  return html`<div class="card">
<h1>${title ?? errorTitle(status)}</h1>
${words && html`<p>${words}</p>`}
<p>${lost ?? t.error.lostNothing} ${advice ?? adviceFor(status)}</p>
<p class="row"><a class="button primary" href="${ctx.urls.hub}${signedIn === false ? 'login' : 'home'}">${signedIn === false ? t.error.signIn : t.error.home}</a></p>
<div class="stack small muted"><p>${contact ? t.error.contact(contact) : t.error.contactDefault}</p>
${copyable(t.error.report(status, code ?? 'error', requestId), t.error.reportLabel)}</div>
</div>`;
}
