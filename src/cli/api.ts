import { setTimeout as delay } from 'node:timers/promises';
import { exitCodes } from './exit-codes.ts';
import { Failure } from './failure.ts';

export interface Answer<Body> {
  status: number;
  body: Body;
}

/** Members of a problem document (RFC 9457) that people are shown. */
export interface Problem {
  code?: string;
  detail?: string;
}

interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

/** How often a request is sent again after 429 or 503, each time after what `Retry-After` says. */
const patience = 60;

/** The HTTP API as commands use it: one service, one key. What bodies hold is the caller's word. */
export class Api {
  readonly url: string;
  readonly #key: string;

  constructor(url: string, key: string) {
    this.url = url;
    this.#key = key;
  }

  /** The same service with another key. */
  as(key: string): Api {
    return new Api(this.url, key);
  }

  get<Body>(path: string): Promise<Body> {
    return this.#must<Body>('GET', path);
  }

  post<Body>(path: string, body: object): Promise<Body> {
    return this.#must<Body>('POST', path, body);
  }

  put<Body>(path: string, body: object): Promise<Body> {
    return this.#must<Body>('PUT', path, body);
  }

  /** A merge patch of the version that is given. */
  patch<Body>(path: string, version: number, body: object): Promise<Body> {
    return this.#must<Body>('PATCH', path, body, { 'if-match': `"${version}"` });
  }

  /** Every item of a list, page by page. */
  async *walk<Item>(path: string): AsyncGenerator<Item> {
    let cursor: string | null = null;
    do {
      const at: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page = await this.get<Page<Item>>(`${path}${path.includes('?') ? '&' : '?'}limit=500${at}`);
      yield* page.items;
      cursor = page.nextCursor;
    } while (cursor !== null);
  }

  /**
   * Sends one request and returns whatever is answered; where the service asks for patience, that is had first.
   * Throws a Failure where there is no answer.
   */
  async send<Body>(
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<Answer<Body>> {
    for (let attempt = 1; ; attempt++) {
      const { retryAfterS, ...answer } = await this.once<Body>(method, path, body, headers);
      if (![429, 503].includes(answer.status) || attempt === patience) return answer;
      await delay(retryAfterS * 1000);
    }
  }

  /** Sends one request once, whatever is answered. Throws a Failure where there is no answer. */
  async once<Body>(
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<Answer<Body> & { retryAfterS: number }> {
    const response = await this.#fetch(method, path, body, headers);
    const text = await response.text();
    return {
      status: response.status,
      body: (text === '' ? {} : JSON.parse(text)) as Body,
      retryAfterS: Number(response.headers.get('retry-after') ?? 1),
    };
  }

  async #must<Body>(
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<Body> {
    const answer = await this.send<Body & Problem>(method, path, body, headers);
    if (answer.status < 300) return answer.body;
    const { code, detail } = answer.body;
    const exitCode = answer.status < 500 ? exitCodes.refused : exitCodes.unreachable;
    throw new Failure(
      `${method} ${path}: ${answer.status} ${code ?? ''} ${detail ?? ''}`.trimEnd(),
      exitCode,
    );
  }

  async #fetch(
    method: string,
    path: string,
    body: object | undefined,
    headers: Record<string, string>,
  ): Promise<Response> {
    const json = body && { 'content-type': 'application/json' };
    try {
      return await fetch(this.url + path, {
        method,
        headers: { authorization: `Bearer ${this.#key}`, ...json, ...headers },
        body: body ? JSON.stringify(body) : null,
        signal: AbortSignal.timeout(30_000),
      });
    } catch (error) {
      const { message, cause } = error as Error;
      const { message: deeper, code } = (cause ?? {}) as NodeJS.ErrnoException;
      throw new Failure(
        `${this.url} does not answer: ${deeper || code || message}`,
        exitCodes.unreachable,
        error,
      );
    }
  }
}
