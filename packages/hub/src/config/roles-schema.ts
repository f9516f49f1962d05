import { CUSTOM_SCOPE, type CustomScopes, HubError, makeCustomScopes, parseScope } from '@atrium/sdk';
import { z } from 'zod';

const NAME = /^[a-z][a-z0-9\-_~.]{1,253}[a-z0-9]$/;
const members = z.array(z.string().min(1)).default([]);

const Role = z.strictObject({
  name: z
    .string()
    .regex(
      NAME,
      'A role needs a name of 3 to 255 of a-z, 0-9, - _ ~ . that begins with a letter and ends with a letter or digit',
    )
    .refine((name) => name !== 'admin', 'The role admin is fixed: name administrators in access.adminUsers'),
  description: z.string().default(''),
  /** Without them: none, or those of the default role of this name. */
  scopes: z.array(z.string()).optional(),
  users: members,
  groups: members,
  services: members,
});
export type ConfiguredRole = z.output<typeof Role>;

/** Who may do what, beside the default roles. */
export const Roles = z.array(Role).superRefine((roles, issues) => {
  const names = roles.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) issues.addIssue({ code: 'custom', message: `There are two roles named ${twice}` });
});

/** Scopes that mean something to services only. */
export const CustomScopesConfig = z
  .record(
    z.string(),
    z.strictObject({
      description: z.string().min(1, 'Say what it lets somebody do'),
      subscopes: z.array(z.string()).default([]),
    }),
  )
  .superRefine((scopes, issues) => {
    const complain = (path: string[], message: string) => issues.addIssue({ code: 'custom', path, message });
    for (const [name, { subscopes }] of Object.entries(scopes)) {
      if (!CUSTOM_SCOPE.test(name)) {
        complain(
          [name],
          'A custom scope is named custom: and then a-z, 0-9, _ - * : (three or more; no - or : at the end)',
        );
      }
      for (const sub of subscopes) {
        if (Object.hasOwn(scopes, sub)) continue;
        complain(
          [name, 'subscopes'],
          `${sub} is not in customScopes: a custom scope includes other custom scopes only`,
        );
      }
    }
  });

/** What cannot be seen in one setting alone: scopes that do not exist, or that would count for nothing. One line per problem. */
export function roleProblems(config: {
  roles: readonly ConfiguredRole[];
  customScopes: z.output<typeof CustomScopesConfig>;
  extraUserScopes: readonly string[];
}): string[] {
  const custom = makeCustomScopes(config.customScopes);
  const check = (where: string, scopes: readonly string[]) =>
    scopes.flatMap((scope) => {
      const problem = scopeProblem(scope, custom);
      return problem === undefined ? [] : [`${where}: ${problem}`];
    });
  const problems = config.roles.flatMap(({ name, scopes = [] }) => check(`roles: ${name}`, scopes));
  problems.push(...check('extraUserScopes', config.extraUserScopes));
  if (config.extraUserScopes.length > 0 && config.roles.some(({ name, scopes }) => name === 'user' && scopes)) {
    problems.push('extraUserScopes: the role user has scopes of its own in roles; write all of them there');
  }
  return problems;
}

/** What is wrong with a scope; undefined when nothing is. */
function scopeProblem(scope: string, custom: CustomScopes): string | undefined {
  try {
    parseScope(scope, custom);
    return undefined;
  } catch (error) {
    if (error instanceof HubError) return error.message;
    throw error;
  }
}
