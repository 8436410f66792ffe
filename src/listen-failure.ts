/** What an operator can do about an address that cannot be listened on, by the system's error code. */
const sentences: Readonly<Record<string, (host: string, port: number) => string>> = {
  EADDRINUSE: (host, port) =>
    `Port ${port} on ${host} is in use by another program: end that one, or set PORT to a free one.`,
  EACCES: (host, port) => `Port ${port} on ${host} may not be used by this user: set PORT to one above 1023.`,
  EADDRNOTAVAIL: (host) => `HOST ${host} is no address of this machine.`,
  ENOTFOUND: (host) => `HOST ${host} is not known.`,
};

/** The error that listening ended with, as one sentence where its cause is a setting. */
export function listenFailure(error: unknown, host: string, port: number): unknown {
  const sentence = sentences[(error as NodeJS.ErrnoException).code ?? ''];
  return sentence ? new Error(sentence(host, port), { cause: error }) : error;
}
