export type { Acme } from './acme.ts';
export {
  type AcmeSettings,
  type ChallengeKind,
  challengeKind,
  DNS_WAIT_S,
  DOMAIN,
  LETS_ENCRYPT,
  MAX_DOMAIN,
  MAX_DOMAINS,
  type Words,
  ZONE_ID,
} from './settings.ts';
export {
  type AcmeStore,
  type CertificateState,
  type Failure,
  type Issued,
  type KeptOrder,
  NOTHING,
  PACE_MS,
} from './store.ts';
export { isDue, turn } from './turn.ts';
