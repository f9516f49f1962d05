import { account } from './strings/account.ts';
import { admin } from './strings/admin.ts';
import { audit } from './strings/audit.ts';
import { choose } from './strings/choose.ts';
import { frame } from './strings/frame.ts';
import { groups } from './strings/groups.ts';
import { money } from './strings/money.ts';
import { servers } from './strings/servers.ts';
import { shares } from './strings/shares.ts';

/**
 * Every string a person reads on a page, in English. A sentence with a value in it is a function, so that another
 * language can order it as it likes; nothing is put together from pieces.
 */
export const t = { ...frame, ...account, ...servers, ...money, ...admin, ...choose, ...groups, ...audit, ...shares };
