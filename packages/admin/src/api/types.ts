import type { BulkJson, GroupsJson, LiveServerJson, PersonDetailJson, ServicesJson } from '@atrium/hub/api';

/* What the API answers, from the routes' own schemas. Times are ISO 8601 in UTC. */

export type {
  AnnouncementJson as Announcement,
  AuditEntryJson as AuditEntry,
  BulkJson as BulkAnswer,
  ChartsJson as Charts,
  GroupDetailJson as GroupDetail,
  ImportJson as ImportAnswer,
  LiveServerJson as LiveServer,
  OverviewJson as Overview,
  PersonDetailJson as PersonDetail,
  PersonJson as Person,
  ServerLogJson as ServerLog,
} from '@atrium/hub/api';

export type Usage = Omit<NonNullable<LiveServerJson['usage']>, 'at'>;
export type Source = PersonDetailJson['groups'][number]['sources'][number];
export type BulkRow = BulkJson['results'][number];
export type Outcome = BulkRow['outcome'];
export type GroupLine = GroupsJson['items'][number];
export type ServiceLine = ServicesJson['items'][number];

export interface Page<Item> {
  items: Item[];
  total: number;
  offset: number;
  limit: number;
}
