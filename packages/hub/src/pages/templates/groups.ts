import type { Group } from '../../groups/groups.service.ts';
import { type Html, html } from '../html.ts';
import type { PageContext } from '../layout.ts';
import { t } from '../strings.ts';
import { actionForm, problem, textField, xsrfInput } from './parts.ts';

export interface GroupsModel {
  ctx: PageContext;
  xsrf: string;
  groups: readonly Group[];
  error?: string | undefined;
  done?: string | undefined;
  /** What was typed into the form for a new group. */
  typed?: { name: string; users: string } | undefined;
}

type Member = Group['members'][number];

function member(model: GroupsModel, group: string, { name, sources }: Member): Html {
  // What a configuration or a sign-in says would be back at once.
  const ours = sources.every((source) => source === 'administrator');
  const label = html`${t.groups.removeMember}<span class="visually-hidden"> ${t.groups.removeOf(name, group)}</span>`;
  const target = { action: `${model.ctx.urls.hub}admin/groups/remove`, fields: { group, user: name } };
  return html`<li><span class="grow">${name} <span class="muted small">${sources.map((source) => t.groups.sources[source]).join(', ')}</span></span>${
    ours && actionForm(target, model.xsrf, { label, look: 'slim' })
  }</li>\n`;
}

function card(model: GroupsModel, { name, members }: Group, at: number): Html {
  const { ctx, xsrf } = model;
  const id = `add-${at}`;
  const action = `${ctx.urls.hub}admin/groups`;
  const fixed = members.some(({ sources }) => sources.some((source) => source !== 'administrator'));
  return html`<section class="card" aria-labelledby="group-${at}"><h2 id="group-${at}">${name}</h2>
${
  members.length > 0
    ? html`<details><summary>${t.groups.members(members.length)}<span class="visually-hidden"> ${name}</span></summary><ul class="rows">${members.map((one) => member(model, name, one))}</ul></details>`
    : html`<p class="muted">${t.groups.nobody}</p>`
}
<form class="stack" method="post" action="${action}/add">${xsrfInput(xsrf)}<input type="hidden" name="group" value="${name}">
<div class="with-button bottom"><div class="field"><label for="${id}">${t.groups.addNames(name)}</label><input id="${id}" name="users" type="text" autocomplete="off" autocapitalize="none" spellcheck="false" required></div><button>${t.groups.addButton}<span class="visually-hidden"> ${name}</span></button></div></form>
${
  fixed
    ? html`<p class="muted small">${t.groups.elsewhere}</p>`
    : actionForm({ action: `${action}/delete`, fields: { group: name } }, xsrf, {
        label: t.groups.remove(name),
        look: 'danger slim',
        ask: t.groups.removeAsk(name),
      })
}</section>`;
}

/** Every group with the people in it and why they are; adding, removing, deleting. */
export function groupsPage(model: GroupsModel): Html {
  const { ctx, xsrf, groups, error, done, typed } = model;
  return html`<h1>${t.groups.title}</h1>
<p class="muted">${t.groups.text}</p>
${problem(error)}
${done && html`<p class="note ok" role="status">${done}</p>`}
${groups.length > 0 ? groups.map((group, at) => card(model, group, at)) : html`<p class="card muted">${t.groups.none}</p>`}
<section class="card" aria-labelledby="new"><h2 id="new">${t.groups.create}</h2>
<form class="stack" method="post" action="${ctx.urls.hub}admin/groups/new">${xsrfInput(xsrf)}
${textField({ name: 'group', label: t.groups.newName, value: typed?.name, autocomplete: 'off', invalid: typed !== undefined, focus: typed !== undefined })}
${textField({ name: 'users', label: t.groups.newNames, value: typed?.users, autocomplete: 'off', hint: t.groups.namesHint, maxlength: 20_000, optional: true })}
<div><button>${t.groups.createButton}</button></div></form></section>`;
}
