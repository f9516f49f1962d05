/** The single-user server: what it is given where it is set, and when it counts as ready. */
export const rows = {
  '1.1/env-limits': 'Limits of memory and processor that are set are told: bytes as digits, cores as a fraction.',
  '1.1/env-guarantees': 'Memory and processor that a server can count on are told where they are set.',
  '1.1/env-root-dir': 'A folder to show that is set is told, with the name of its owner put in.',
  '1.1/env-debug': 'JUPYTERHUB_DEBUG and JUPYTERHUB_DISABLE_USER_CONFIG are 1 where they are set.',
  '1.1/env-cookie-options': 'Attributes of cookies are told as JSON where they are set.',
  '1.1/env-admin-access': 'JUPYTERHUB_ADMIN_ACCESS is 1 where administrators may open servers by that setting.',
  '1.1/env-host-prefix': 'Where cookies have the prefix that keeps other hosts from setting them, the server is told.',
  '1.1/env-wins': 'What is configured wins over what the hub would say.',
  '1.1/env-kept': 'A local process has a PATH.',
  '1.2/token-scopes': 'The token of a server has the scopes of the role server, resolved for it, and no more.',
  '1.2/token-activity': 'Whatever the role server says, the token may report activity.',
  '1.2/token-model': 'Its token is listed as of the client of the hub itself.',
  '1.4/not-while-500': 'A server that answers 500 and above is not ready yet; 403 will do.',
  '1.4/route-first': 'When progress says ready, whoever follows where they are sent gets to the server.',
  '1.5/menu': 'Where the menu of a server leads: home, spawn of the default and of a named one, the sign-out.',
  '1.5/identity': 'GET user has the object user_info that the sign-in gave.',
} as const;
