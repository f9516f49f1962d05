import type { Kind } from './hub.ts';

const both = (reason: string) => ({ 'jupyterhub-5': reason, 'jupyterhub-6': reason });
const five = (reason: string) => ({ 'jupyterhub-5': reason });

/**
 * Rows that a hub does not keep, and why. The test must then fail there: when it passes one day, the entry goes.
 * JupyterHub 5 lacks what came with 6; some rows are decided differently from both, because both are wrong.
 */
const DIFFERENCES: Readonly<Record<string, Partial<Record<Kind, string>>>> = {
  '1.1/env-admin-access': { atrium: 'has no such setting: administrators open servers by their scopes' },
  '1.5/identity': five('came with 6'),
  '2.3/pkce-required': five('knows no PKCE'),
  '2.4/verifier-plain': five('knows no PKCE'),
  '2.8/token': five('they do not'),
  '2.5/login-cookie-value': { atrium: 'a random text, which the hub alone reads' },
  '2.4/query': both('its OAuth library raises, and the hub answers 500'),
  '2.4/verifier-missing': five('knows no PKCE'),
  '3.1/reason': { 'jupyterhub-6': 'says null' },
  '3.3/user-info': five('came with 6'),
  '3.5/create-many-no-list': both('takes the letters of a text for names, and fails at a number'),
  '3.5/change-name-same': both('the name becomes null'),
  '3.5/change-memberships': both('answers 500'),
  '3.3/user-info-told': five('came with 6'),
  '3.5/admin-access-on': { atrium: 'has no such setting: administrators open servers by their scopes' },
  '3.3/server-display-name': five('came with 6'),
  '3.6/read': five('came with 6'),
  '3.6/change': five('came with 6'),
  '3.6/change-unknown-field': { 'jupyterhub-5': 'came with 6', 'jupyterhub-6': 'answers 500' },
  '3.7/start-options-named': five('the whole body is the options'),
  '3.7/start-options-empty': five('the whole body is the options'),
  '3.7/start-refused-reason': five('came with 6'),
  '3.8/cancelled': both('the stream says ready'),
  '3.9/groups-total': both('counts all groups'),
  '3.9/groups-create-all-or-none': both('those before the one that exists are created'),
  '3.9/service-create-token': both('answers 500'),
  '3.10/bad-body': both('answers 500'),
  '3.10/oneself': both('takes it by the API; a code of one’s own it refuses'),
  '3.10/group-share-token': both('tokens do not have what groups were given'),
  '4.1/servers-start': five('came with 6'),
  '5.1/robots': both('its package has no such file'),
  '5.3/options-prefix': five('the prefix stays part of the name'),
  '4.3/extra': five('came with 6'),
  '5.1/login-elsewhere': { atrium: 'no way to sign in has pages of its own' },
  '5.3/display-name': five('came with 6'),
  '5.3/bad-name': five('no rule before 6'),
  '5.5/legacy': { atrium: 'deprecated there: somebody called services would share a host with all services' },
  '5.5/slugs': both('its pages make them in the browser, without what tells two of them apart'),
  '5.5/labels': five('GET of a server, which shows it, came with 6'),
  '6.1/api': { atrium: 'hub and proxy speak over a stream of their own' },
  '6.1/inactive': { atrium: 'hub and proxy speak over a stream of their own' },
  '6.3/repair': { atrium: 'hub and proxy speak over a stream of their own: nobody else can change routes' },
  '6.2/metrics': { atrium: 'its figures stand among the metrics of the hub, as atrium_proxy_…' },
  '7/up-first': { atrium: 'a service that does not come up stops nobody’s work' },
  '7/timeout': {
    'jupyterhub-5': 'came with 6',
    atrium: 'after it the service counts as down, and stops nobody’s work',
  },
  '7/token': both('answers 500 to a short one'),
  '8/spawn-reason': five('came with 6'),
  '8/csp': five('came with 6'),
  '8/login-failed': five('came with 6'),
  '8/logout': five('came with 6'),
  '10.1/server': five('no rule before 6'),
  '10.1/server-old-off': {
    atrium: 'has no such setting: what it takes over from another hub gets a name that will do',
    'jupyterhub-5': 'no rule before 6',
  },
  '10.1/display-name': five('came with 6'),
  '10.2/failures': { atrium: 'a failed start never ends the hub for everybody' },
  '10.2/named-rename': five('came with 6'),
  '10.2/named-put': five('came with 6'),
};

/** Why a test of these rows cannot pass on this hub; undefined when it must. */
export function differenceOf(kind: Kind, ids: readonly string[]): string | undefined {
  return ids.map((id) => DIFFERENCES[id]?.[kind]).find((reason) => reason !== undefined);
}

/** Every row named above. */
export const DIFFERENT_ROWS: readonly string[] = Object.keys(DIFFERENCES);
