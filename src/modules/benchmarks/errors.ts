import { AppError } from '../../kernel/errors.ts';

export const unitMismatch = (fixed: string) => {
  const detail = `must be ${fixed}, as in the first result of this suite, version and metric`;
  return new AppError(400, 'benchmark.unit_mismatch', `unit: ${detail}`, {
    errors: [{ pointer: '/unit', detail }],
    members: { unit: fixed },
  });
};
