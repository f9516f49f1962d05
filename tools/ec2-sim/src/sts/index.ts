import { queryService } from '../services/query-service.ts';
import { ApiError, type Service, type ServiceContext } from '../services/service.ts';

/** STS: who the caller is. Decoding an authorisation message is for administrators and refused. */
export function createSts(context: ServiceContext): { service: Service } {
  return {
    service: queryService(
      'sts',
      'https://sts.amazonaws.com/doc/2011-06-15/',
      {
        GetCallerIdentity: {
          parameters: [],
          run: (_input, caller) => ({ UserId: caller.accessKeyId, Account: context.accountId, Arn: caller.arn }),
        },
        DecodeAuthorizationMessage: {
          parameters: ['EncodedMessage!'],
          run(_input, caller) {
            throw new ApiError(
              'AccessDenied',
              `User: ${caller.arn} is not authorized to perform: sts:DecodeAuthorizationMessage`,
              403,
            );
          },
        },
      },
      context,
    ),
  };
}
