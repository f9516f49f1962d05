import { jsonService } from '../services/json-service.ts';
import { ApiError, type Service, type ServiceContext } from '../services/service.ts';
import { type Product, priceLine } from './products.ts';

export { ec2Products, type PricedType, type Product } from './products.ts';

type Filter = { Type: string; Field: string; Value: string };

/** The Price List query API over `products`. */
export function createPricing(context: ServiceContext, products: Product[]): { service: Service } {
  const published = context.clock.now();
  const matches = (product: Product, { Type, Field, Value }: Filter): boolean => {
    if (Type !== 'TERM_MATCH') {
      context.violation('filter', 'pricing:GetProducts', `unknown filter type ${Type}`);
      throw new ApiError('InvalidParameterException', `Filter type ${Type} is not supported`);
    }
    const had = Field === 'productFamily' ? product.family : product.attributes[Field];
    return had?.toLowerCase() === Value.toLowerCase();
  };
  const fields = new Set(['productFamily', ...products.flatMap(({ attributes }) => Object.keys(attributes))]);
  return {
    service: jsonService(
      'pricing',
      {
        GetProducts: {
          parameters: ['ServiceCode!', 'Filters', 'FormatVersion', 'MaxResults', 'NextToken'],
          run(input) {
            const filters = (input.Filters ?? []) as Filter[];
            for (const { Field } of filters) {
              if (fields.has(Field)) continue;
              context.violation('filter', 'pricing:GetProducts', `unknown field ${Field}`);
              throw new ApiError('InvalidParameterException', `Field ${Field} is not known`);
            }
            const most = Number(input.MaxResults ?? 100);
            const from = Number(input.NextToken ?? 0);
            if (!(most >= 1 && most <= 100))
              throw new ApiError('InvalidParameterException', 'MaxResults must be between 1 and 100');
            const found = products
              .filter(({ attributes }) => attributes.servicecode === input.ServiceCode)
              .filter((product) => filters.every((filter) => matches(product, filter)));
            return {
              FormatVersion: 'aws_v1',
              PriceList: found.slice(from, from + most).map((product) => priceLine(product, published)),
              ...(found.length > from + most ? { NextToken: String(from + most) } : {}),
            };
          },
        },
      },
      context,
    ),
  };
}
