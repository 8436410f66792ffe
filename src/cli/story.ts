import type { Answer, Api, Problem } from './api.ts';
import { exitCodes } from './exit-codes.ts';
import { Failure } from './failure.ts';

interface Ask {
  /** Who asks, for the reader. */
  who: string;
  api: Api;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  body?: object;
  headers?: Record<string, string>;
  /** The status that the story tells of. */
  status: number;
  /** Members of the answer that the reader should see, by path: `verification.level`, `gpus.0.gpuId`. */
  show?: readonly string[];
}

export interface Told {
  sentence: string;
  ok: boolean;
}

/** A walk through the API that people read: requests, the essential part of each answer, and whether it went as told. */
export class Story {
  readonly checks: Told[] = [];
  readonly requests: { who: string; method: string; path: string; status: number }[] = [];
  readonly #tell: (line: string) => void;

  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  chapter(title: string): void {
    this.#tell(`\n${title}`);
  }

  note(line: string): void {
    this.#tell(`  ${line}`);
  }

  /** Sends a request and shows it. Throws a Failure where the status is not the told one: the rest would make no sense. */
  async ask<Body>({ who, api, method, path, body, headers, status, show = [] }: Ask): Promise<Body> {
    const answer = await api.send<Body & Problem>(method, path, body, headers);
    this.requests.push({ who, method, path, status: answer.status });
    this.#tell(`  ${who.padEnd(8)} ${method} ${path}${body ? ` ${JSON.stringify(body)}` : ''}`);
    this.#tell(`           ${answer.status} ${essence(answer, show)}`.trimEnd());
    if (answer.status !== status) throw unexpected(answer, `${method} ${path}`, status);
    return answer.body;
  }

  check(sentence: string, ok: boolean): void {
    this.checks.push({ sentence, ok });
    this.#tell(`  ${ok ? '✓' : '✗'} ${sentence}`);
  }

  get faults(): readonly Told[] {
    return this.checks.filter(({ ok }) => !ok);
  }
}

function unexpected({ status, body }: Answer<Problem>, request: string, told: number): Failure {
  const refused = status === 401 || status === 403;
  const answer = `${status} ${body.code ?? ''}`.trimEnd();
  return new Failure(
    `${request} was answered ${answer}, not ${told}${body.detail ? `: ${body.detail}` : '.'}`,
    refused ? exitCodes.refused : exitCodes.failed,
  );
}

function essence({ status, body }: Answer<Problem>, show: readonly string[]): string {
  if (status >= 400) return `${body.code}: ${body.detail}`;
  const members = show.map((path) => [path, memberOf(body, path)] as const);
  return members.map(([path, value]) => `${path}=${JSON.stringify(value)}`).join(' ');
}

const memberOf = (value: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown> | null)?.[key], value);
