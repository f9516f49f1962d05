export {
  type ClientBehind,
  deleteClientsOf,
  findClient,
  isClientTaken,
  type OAuthClient,
  putClient,
  settleServiceClient,
} from './oauth-clients.repo.ts';
