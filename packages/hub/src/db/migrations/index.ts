import * as first from './001-first.ts';
import * as groups from './002-groups.ts';
import * as money from './003-money.ts';
import * as roles from './004-roles.ts';
import * as services from './005-services.ts';
import * as shares from './006-shares.ts';
import * as observability from './007-observability.ts';
import * as imports from './008-import.ts';
import * as announcements from './009-announcements.ts';
import * as rollups from './010-rollups.ts';
import * as people from './011-people.ts';
import * as acme from './012-acme.ts';

/** In order; the position plus one is the schema version. Never reorder or remove. */
export const MIGRATIONS = [
  first,
  groups,
  money,
  roles,
  services,
  shares,
  observability,
  imports,
  announcements,
  rollups,
  people,
  acme,
] as const;
