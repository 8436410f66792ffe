import { AppError } from '../../kernel/errors.ts';

export const modelExists = () =>
  new AppError(409, 'gpu_model.exists', 'The catalogue has a model with this id; change that one.');
