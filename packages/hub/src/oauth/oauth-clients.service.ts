export { deleteClientsOf, findClient, type OAuthClient, putClient } from './oauth-clients.repo.ts';
