import { amount } from '../../money/limit-text.ts';
import type { OwnStorage } from '../../storage/own-storage.service.ts';
import { type Html, html } from '../html.ts';
import type { PageContext } from '../layout.ts';
import { t } from '../strings.ts';
import { exactTime, time } from '../times.ts';
import { actionForm, problem, textField, xsrfInput } from './parts.ts';

export interface StorageModel {
  ctx: PageContext;
  xsrf: string;
  now: number;
  /** Of the person: what is typed before everything is deleted. */
  name: string;
  /** Undefined when the spawner could not say. */
  storage: OwnStorage | undefined;
  error?: string | undefined;
  done?: string | undefined;
}

type Known = Extract<OwnStorage, { state: 'known' }>;

/** The folder that a snapshot restored today appears in. */
export function restoredFolder(now: number): string {
  return `restored-${new Date(now).toISOString().slice(0, 10)}/`;
}

function facts({ info }: Known): Html {
  const cost = info.perMonth === null ? t.storage.priceUnknown : t.storage.perMonth(amount(info.perMonth));
  return html`<dl class="facts"><dt>${t.storage.state}</dt><dd>${t.storage.tiers[info.tier]}</dd>
${info.tier !== 'none' && html`<dt>${t.storage.size}</dt><dd>${t.storage.gb(info.sizeGb)}</dd><dt>${t.storage.cost}</dt><dd>${cost}</dd>`}</dl>
${info.busy && html`<p class="note busy" role="status">${t.storage.busy(info.busy)}</p>`}`;
}

function snapshots({ ctx, xsrf, now }: StorageModel, { info, can }: Known): Html {
  const action = `${ctx.urls.hub}storage`;
  const rows = info.snapshots
    .toSorted((a, b) => b.at - a.at)
    .map(
      ({ id, at, sizeGb, pending }) =>
        html`<li><span class="grow">${exactTime(at)} <span class="muted small">${time(at, now)}${
          sizeGb !== undefined && html` · ${t.storage.gb(sizeGb)}`
        }</span></span>${
          pending
            ? html`<span class="tag">${t.storage.pending}</span>`
            : can.restore &&
              actionForm({ action: `${action}/restore`, fields: { snapshot: id } }, xsrf, {
                label: html`${t.storage.restore}<span class="visually-hidden"> ${t.storage.restoreOf(new Date(at).toISOString().slice(0, 16))}</span>`,
                look: 'slim',
              })
        }</li>\n`,
    );
  return html`<section class="card" aria-labelledby="snapshots"><h2 id="snapshots">${t.storage.snapshots}</h2>
<p class="muted">${t.storage.snapshotsText(restoredFolder(now))}</p>
${rows.length > 0 ? html`<ul class="rows">${rows}</ul>` : html`<p>${t.storage.noSnapshots}</p>`}
${can.snapshot && actionForm({ action: `${action}/snapshot` }, xsrf, { label: t.storage.take })}</section>`;
}

function grow({ ctx, xsrf }: StorageModel, { info }: Known): Html {
  const next = info.sizeGb + Math.max(5, Math.round(info.sizeGb / 2));
  return html`<section class="card" aria-labelledby="grow"><h2 id="grow">${t.storage.grow}</h2>
<form class="stack" method="post" action="${ctx.urls.hub}storage/grow">${xsrfInput(xsrf)}
<div class="with-button bottom"><div class="field"><label for="size">${t.storage.newSize}</label><p class="muted small" id="size-hint">${t.storage.growText}</p>
<input id="size" name="size" type="number" min="${info.sizeGb + 1}" step="1" value="${next}" required aria-describedby="size-hint"></div><button>${t.storage.growButton}</button></div></form></section>`;
}

function remove({ ctx, xsrf, name }: StorageModel): Html {
  return html`<section class="card" aria-labelledby="remove"><h2 id="remove">${t.storage.remove}</h2>
<p class="note bad">${t.storage.removeText}</p>
<form class="stack" method="post" action="${ctx.urls.hub}storage/delete">${xsrfInput(xsrf)}
${textField({ name: 'typed', label: t.storage.typed(name), autocomplete: 'off' })}
<div><button class="danger">${t.storage.removeButton(name)}</button></div></form></section>`;
}

/** Where a person's files are, their copies, and what can be done with both. */
export function storagePage(model: StorageModel): Html {
  const { storage, error, done } = model;
  const head = html`<h1>${t.storage.heading}</h1>
${problem(error)}${done && html`<p class="note ok" role="status">${done}</p>`}`;
  if (!storage) return html`${head}<p class="note bad">${t.storage.unavailable}</p>`;
  if (storage.state !== 'known') {
    return html`${head}<p class="card">${storage.state === 'none' ? t.storage.none : t.storage.notYet}</p>`;
  }
  const { can, info } = storage;
  return html`${head}
<section class="card" aria-label="${t.storage.title}"><p>${t.storage.where}</p>${facts(storage)}</section>
${snapshots(model, storage)}
${can.resize && info.tier === 'disk' && grow(model, storage)}
${can.remove && remove(model)}`;
}
