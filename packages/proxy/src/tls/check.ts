import { type CertificateFiles, expiryProblem, readPair } from './pair.ts';
import { type CertificateFacts, endsText, factsOf, WARN_BEFORE_MS } from './store.ts';

/** What is to be said of certificates before they are served. */
export interface CertificateCheck {
  /** Each stands in the way. */
  problems: string[];
  warnings: string[];
  /** Of those that can be read. */
  certificates: CertificateFacts[];
}

/** Looks at certificates as the proxy will, and in all of them. */
export async function checkCertificates(files: readonly CertificateFiles[], now: number): Promise<CertificateCheck> {
  const check: CertificateCheck = { problems: [], warnings: [], certificates: [] };
  for (const each of files) {
    try {
      const pair = await readPair(each);
      const problem = expiryProblem(each.cert, pair, now);
      if (problem) check.problems.push(problem);
      else if (pair.notAfter - now < WARN_BEFORE_MS)
        check.warnings.push(`${each.cert}: ${endsText(pair.notAfter, now)}`);
      check.warnings.push(...pair.warnings);
      check.certificates.push(factsOf(pair));
    } catch (error) {
      check.problems.push((error as Error).message);
    }
  }
  return check;
}
