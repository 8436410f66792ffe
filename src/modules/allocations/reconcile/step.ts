import { stepsWith } from '../life/transition.ts';

/**
 * The steps that a repair takes. GPUs are cleaned after them where their node asks for it; what the service asks of all
 * nodes is a setting of the service, which a command on the database does not know.
 */
export const step = stepsWith({ required: false, timeoutS: 900 });
