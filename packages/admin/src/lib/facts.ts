/** What the frame says about this installation and who looks at it. */
export interface Facts {
  /** Paths that end with a slash, but for `api`. */
  base: string;
  hub: string;
  api: string;
  /** For the `X-XSRFToken` header, and the query of streams, which cannot have headers. */
  xsrf: string;
  user: string;
  brand: string;
}

const NONE: Facts = { base: '/', hub: '/hub/', api: '/hub/api', xsrf: '', user: '', brand: '' };

export function readFacts(root: HTMLElement): Facts {
  return { ...NONE, ...(JSON.parse(root.dataset.facts ?? '{}') as Partial<Facts>) };
}

let current = NONE;

/** Called once, before anything is drawn. */
export function setFacts(facts: Facts): void {
  current = facts;
}

export const facts = (): Facts => current;
