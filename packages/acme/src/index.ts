export type { Acme } from './acme.ts';
export { type AcmeSettings, type ChallengeKind, challengeKind, type Words } from './settings.ts';
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
