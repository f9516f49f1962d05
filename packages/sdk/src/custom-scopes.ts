import type { CustomScopes } from './scopes.ts';

/** What a custom scope may be called (contract §4.4). */
export const CUSTOM_SCOPE = /^custom:[a-z0-9][a-z0-9_\-*:]+[a-z0-9_*]$/;

export interface CustomScopeDefinition {
  description: string;
  /** Other custom scopes; none of the hub's own, so that nobody gets those by another name. */
  subscopes: readonly string[];
}

/** Every custom scope with all it includes. What is included but not defined is left out: the config check complains. */
export function makeCustomScopes(definitions: Readonly<Record<string, CustomScopeDefinition>>): CustomScopes {
  const subscopes = (name: string) => {
    const seen = new Set([name]);
    // A set that grows while it is walked is walked to its new end.
    for (const each of seen) {
      for (const sub of definitions[each]?.subscopes ?? []) if (Object.hasOwn(definitions, sub)) seen.add(sub);
    }
    return [...seen];
  };
  return new Map(
    Object.entries(definitions).map(([name, { description }]) => [
      name,
      { words: description, subscopes: subscopes(name) },
    ]),
  );
}
