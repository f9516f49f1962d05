import type { Taking } from '../taking.ts';

/** What is left behind, so that nobody has to wonder. */
export function reportRest(taking: Taking): void {
  const { codes, otherTables } = taking.source;
  const count = taking.count('oauth_codes', codes);
  if (codes > 0) count.skip(`${codes}`, 'sign-ins that were half done; they last minutes');
  for (const { name, rows } of otherTables) {
    taking.count(name, rows).skip(`${rows} rows`, WHOSE[name] ?? 'is no table of JupyterHub itself');
  }
}

const WHOSE: Readonly<Record<string, string>> = {
  users_info:
    'passwords of NativeAuthenticator, stored in a way of its own: give people new ones (atrium user passwd), or a link to choose one (Admin)',
};
