import type { AppContext } from '../../context.ts';
import type { Server } from '../../servers/servers.service.ts';
import type { Principal } from '../../users/principal.ts';
import type { User } from '../../users/users.service.ts';

/** A person, or one server of theirs. */
export interface Target {
  user: User;
  /** Undefined when it is about the person; '' for the default server. */
  serverName?: string | undefined;
  /** Its row; undefined when it was never started, or it is about the person. */
  server?: Server | undefined;
}

/** What will happen to one row, or what did. */
export interface Verdict {
  /** `nothing`: it is so already. `refused`: it may not be. `failed`: it was tried. */
  outcome: 'will' | 'done' | 'nothing' | 'refused' | 'failed';
  code: string | null;
  message: string;
}

/** What all rows of one act have in common. */
export interface Act {
  by: Principal;
  group: string | undefined;
  note: string | undefined;
}

/** One thing that can be done to many. */
export interface BulkAction {
  about: 'people' | 'servers';
  /** Needed for each row. */
  scope: string;
  /** The scope is about the group, not the person. */
  needsGroup?: true;
  /** What would happen, without doing it. */
  plan(ctx: AppContext, target: Target, act: Act): Promise<Verdict> | Verdict;
  /** Does it, to a row whose plan is `will`; returns what to say. */
  run(ctx: AppContext, target: Target, act: Act): Promise<string>;
  /** Does it to all of them at once, where that is one act. */
  runAll?(ctx: AppContext, targets: readonly Target[], act: Act): Promise<string>;
}

export const will = (message: string): Verdict => ({ outcome: 'will', code: null, message });
export const nothing = (message: string): Verdict => ({ outcome: 'nothing', code: null, message });
export const refused = (code: string, message: string): Verdict => ({ outcome: 'refused', code, message });
