export {
  findService,
  findServiceById,
  listServices,
  type Service,
  type ServiceRow,
  toService,
} from './services.repo.ts';
