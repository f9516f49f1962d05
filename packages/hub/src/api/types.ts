import type { z } from 'zod';
import type {
  AnnouncementModel,
  AuditEntryModel,
  BulkModel,
  ChartsModel,
  GroupDetailModel,
  GroupsModel,
  ImportModel,
  LiveServerModel,
  OverviewModel,
  PeopleModel,
  PersonDetailModel,
  PersonModel,
  ServerLogModel,
  ServicesModel,
} from './atrium-models.ts';
import type {
  GroupModel,
  NewTokenModel,
  SelfModel,
  ServerModel,
  ServiceModel,
  TokenModel,
  UserModel,
} from './models.ts';

/** The models of the API as a client reads them. Types only, so that programs for browsers can import them. */
export type UserJson = z.output<typeof UserModel>;
export type ServerJson = z.output<typeof ServerModel>;
export type GroupJson = z.output<typeof GroupModel>;
export type ServiceJson = z.output<typeof ServiceModel>;
export type TokenJson = z.output<typeof TokenModel>;
export type NewTokenJson = z.output<typeof NewTokenModel>;
export type SelfJson = z.output<typeof SelfModel>;

/** What the administrators' page reads beside those. */
export type AnnouncementJson = z.output<typeof AnnouncementModel>;
export type LiveServerJson = z.output<typeof LiveServerModel>;
export type PersonJson = z.output<typeof PersonModel>;
export type PersonDetailJson = z.output<typeof PersonDetailModel>;
export type BulkJson = z.output<typeof BulkModel>;
export type ChartsJson = z.output<typeof ChartsModel>;
export type GroupDetailJson = z.output<typeof GroupDetailModel>;
export type GroupsJson = z.output<typeof GroupsModel>;
export type ImportJson = z.output<typeof ImportModel>;
export type OverviewJson = z.output<typeof OverviewModel>;
export type PeopleJson = z.output<typeof PeopleModel>;
export type ServicesJson = z.output<typeof ServicesModel>;
export type ServerLogJson = z.output<typeof ServerLogModel>;
export type AuditEntryJson = z.output<typeof AuditEntryModel>;
