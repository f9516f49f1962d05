import type { z } from 'zod';
import type { AnnouncementModel, LiveServerModel, PersonDetailModel, PersonModel } from './atrium-models.ts';
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
