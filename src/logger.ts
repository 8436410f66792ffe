import { type DestinationStream, type Logger, pino } from 'pino';

/** Where secrets could stand in what is logged; wildcards go one level deep. */
const secrets = [
  'req.headers.authorization',
  'req.headers["x-api-key"]',
  'req.headers.cookie',
  'headers.authorization',
  '*.password',
  '*.secret',
  '*.apiKey',
  '*.token',
  '*.nonce',
];

/** JSON lines, on standard output unless told otherwise. Values are escaped, so that no name or header can forge a line. */
export const createLogger = (level: string, destination: DestinationStream = pino.destination(1)): Logger =>
  pino(
    { level, redact: { paths: secrets, censor: '[redacted]' }, base: { service: 'depin-inventory' } },
    destination,
  );
