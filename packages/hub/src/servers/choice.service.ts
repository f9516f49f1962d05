import { HubError, type Options, SpawnFault, type SpawnField, type SpawnForm, type SpawnUser } from '@atrium/sdk';
import type { AppContext } from '../context.ts';
import { limitsFor } from '../money/limits.service.ts';
import type { User } from '../users/users.service.ts';
import type { Server } from './server.ts';
import { spawnUserOf } from './spawn-user.ts';

/** One kind of server as a person can choose it. */
export interface Choice {
  id: string;
  title: string;
  description?: string | undefined;
  /** `2 vCPU`, `4 GiB`. */
  facts: readonly string[];
  /** Dollars an hour; null when it is not known; undefined where a price means nothing. */
  perHour?: number | null | undefined;
  /** Why this person cannot have it; undefined when they can. */
  unavailable?: string | undefined;
  /** What they should know before they take it: a limit is near. */
  warning?: string | undefined;
}

export interface Choices {
  all: readonly Choice[];
  /** What else is asked, with what was said the last time; of files nothing. */
  fields: readonly (SpawnField & { value?: string | undefined })[];
  /** What is chosen when nobody says otherwise: the last choice, else the plug-in's; undefined when nothing can be had. */
  chosen: string | undefined;
  /** There is something to ask: several kinds, none that can be had, or something else. */
  mustAsk: boolean;
  /** They chose one of these before, and it can still be had. */
  remembered: boolean;
}

/**
 * The kinds of server that a person can choose from, with what limits say about each; undefined where there is nothing
 * to choose.
 * @param wanted chosen in place of the last choice, when there is such a kind
 */
export async function choicesFor(
  ctx: AppContext,
  owner: User,
  server: Pick<Server, 'id' | 'userOptions'> | undefined,
  wanted?: string,
): Promise<Choices | undefined> {
  if (!ctx.spawner.form) return undefined;
  const user = await spawnUserOf(ctx, owner);
  const form = ctx.spawner.form(user);
  const all: Choice[] = [];
  for (const profile of form.profiles) {
    const { id, title, description, facts, price, unavailable } = profile;
    const limits = unavailable === undefined ? await limitsOf(ctx, user, { profile: id }, server?.id) : {};
    all.push({
      id,
      title,
      description,
      facts,
      perHour: price?.perHour,
      unavailable: unavailable ?? limits.refused,
      warning: limits.warning,
    });
  }
  const free = (id: unknown) => all.find((one) => one.id === id && one.unavailable === undefined)?.id;
  const last = free(server?.userOptions.profile);
  return {
    all,
    chosen: free(wanted) ?? last ?? free(form.chosen) ?? all.find((one) => one.unavailable === undefined)?.id,
    fields: (form.fields ?? []).map((field) => ({ ...field, value: textOf(server?.userOptions[field.name]) })),
    mustAsk: all.length > 1 || (form.fields ?? []).length > 0 || all.every((one) => one.unavailable !== undefined),
    remembered: last !== undefined,
  };
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** What limits say about these choices; a choice that cannot be made into a server is not to be had either. */
async function limitsOf(ctx: AppContext, user: SpawnUser, options: Options, server: string | undefined) {
  try {
    return await limitsFor(ctx, user, ctx.spawner.resolve(user, options), { server });
  } catch (error) {
    if (error instanceof SpawnFault) return { refused: error.fault.message };
    throw error;
  }
}

/**
 * Checks the options of a start: those that were given, or the remembered ones. What limits say is checked where the
 * start is recorded.
 * @returns what is to be stored; undefined when nothing was given
 * @throws HubError `unprocessable` for options that cannot be read, `not_allowed` for a kind this person cannot have.
 */
export async function checkChoice(
  ctx: AppContext,
  owner: User,
  given: Options | undefined,
  remembered: Options = {},
): Promise<Options | undefined> {
  if (!ctx.spawner.form) return given;
  const form = ctx.spawner.form(await spawnUserOf(ctx, owner));
  const parsed = form.schema.safeParse(saidIn(form, given ?? remembered));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.join('.') ?? '';
    throw new HubError('unprocessable', `${where === '' ? '' : `${where}: `}${issue?.message ?? 'Choose again.'}`);
  }
  const options = parsed.data as Options;
  checkProfile(form, options);
  return given === undefined ? undefined : options;
}

/** Without what was left empty. @throws HubError `unprocessable` when something is left out that is needed. */
function saidIn({ fields = [] }: SpawnForm, options: Options): Options {
  const said = Object.fromEntries(
    Object.entries(options).filter(([key, value]) => value !== '' || !fields.some(({ name }) => name === key)),
  );
  for (const { name, label, kind, required } of fields) {
    const key = kind === 'file' ? `${name}_file` : name;
    if (required && said[key] === undefined) throw new HubError('unprocessable', `${label}: this is needed.`);
  }
  return said;
}

function checkProfile({ profiles, chosen }: SpawnForm, options: Options): void {
  const wanted = options.profile ?? chosen;
  const profile = profiles.find(({ id }) => id === wanted);
  if (!profile) throw new HubError('unprocessable', `There is no kind of server called ${String(wanted)}.`);
  if (profile.unavailable !== undefined) {
    throw new HubError('not_allowed', `${profile.title} cannot be started: ${profile.unavailable}`);
  }
}
