import { ApiError } from '../errors.ts';

/** What AWS answers when something else still uses what is to be deleted. */
export function dependency(id: string): ApiError {
  return new ApiError('DependencyViolation', `resource ${id} has a dependent object`);
}
