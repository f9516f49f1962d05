import type { AcmeChallenge, Clock, Log } from '@atrium/sdk';
import type { AcmeSettings, ChallengeKind, Words } from './settings.ts';
import type { AcmeStore } from './store.ts';

/** Everything that fetching a certificate reaches. */
export interface Acme {
  readonly settings: AcmeSettings;
  readonly kind: ChallengeKind;
  readonly words: Words;
  readonly store: AcmeStore;
  readonly clock: Clock;
  readonly log: Log;
  /** Everybody whom the authority may ask answers with these and no others, until disposed; which never rejects. */
  present(answers: readonly (AcmeChallenge & { domain: string })[], signal: AbortSignal): Promise<AsyncDisposable>;
  /** What tells one secret from another, and says nothing else of it: it is kept as it is. */
  fingerprint(secret: string): string;
  /** Tells people what went wrong, beyond the log; undefined once it is mended. */
  tell(problem: string | undefined): Promise<void>;
}
