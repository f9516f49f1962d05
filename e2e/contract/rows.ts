import { rows as singleUser } from './rows/s1-servers.ts';
import { rows as oauth } from './rows/s2-oauth.ts';
import { rows as common } from './rows/s3-common.ts';
import { rows as groups } from './rows/s3-groups.ts';
import { rows as servers } from './rows/s3-servers.ts';
import { rows as users } from './rows/s3-users.ts';
import { rows as scopes } from './rows/s4-scopes.ts';
import { rows as pages } from './rows/s5-pages.ts';
import { rows as servicesAndMore } from './rows/s6-s7.ts';

/** Every row of the wire contract by its id: the section, and a word for the row. */
export const ROWS: Readonly<Record<string, string>> = {
  ...singleUser,
  ...oauth,
  ...common,
  ...users,
  ...servers,
  ...groups,
  ...scopes,
  ...pages,
  ...servicesAndMore,
};
