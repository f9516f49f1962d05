export {
  type ClientBehind,
  deleteClientsOf,
  findClient,
  isClientTaken,
  type OAuthClient,
  putClient,
  serviceCallbacks,
  settleServiceClient,
} from './oauth-clients.repo.ts';
