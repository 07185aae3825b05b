import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { UserError } from '../userError.js';
import { WATCH_POLICY, watchPage } from './watchPage.js';

const LOOPBACK = '127.0.0.1';
/** Readers are told of news at most so often. */
const LEAST_PAUSE_MS = 2_000;
/** Drawing the page takes no more than a twentieth of a processor core, however long the run is. */
const MOST_SHARE = 1 / 20;

/** How long a run that has ended waits for a page that is being drawn and for readers that take their time. */
const GRACE_MS = 5_000;

const HEADERS = {
  // Connections end with their answers, so that none is left to be waited for when the run ends.
  Connection: 'close',
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
} as const;

/**
 * Serves one page over HTTP while a run goes on: on the loopback interface only, to whoever knows the token, for
 * reading only. Nothing but the page and the news that it has changed can be asked for.
 *
 * @example
 * const server = await ReportServer.start(8080, () => page);
 * log.info(server.url); // http://127.0.0.1:8080/?token=…
 * server.moved();
 * await server.close();
 */
export class ReportServer {
  readonly #token = randomBytes(24).toString('base64url');
  readonly #server: Server;
  readonly #readers = new Set<ServerResponse>();
  #page: Promise<string> | undefined;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #pauseMs = LEAST_PAUSE_MS;
  #timer: NodeJS.Timeout | undefined;

  private constructor(private readonly draw: () => Promise<string>) {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  /**
   * @param port 0: one that is free
   * @throws UserError when the port cannot be used
   */
  static async start(port: number, draw: () => Promise<string>): Promise<ReportServer> {
    const server = new ReportServer(draw);
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', (error: NodeJS.ErrnoException) =>
        reject(
          new UserError(
            `--watch: cannot listen on port ${port}: ${error.code === 'EADDRINUSE' ? 'another program uses it' : error.message}; give another, or 0 for one that is free`,
          ),
        ),
      );
      server.#server.listen(port, LOOPBACK, resolve);
    });
    return server;
  }

  /** Where the page is, token included. */
  get url(): string {
    return `http://${LOOPBACK}:${(this.#server.address() as AddressInfo).port}/?token=${this.#token}`;
  }

  /** The run has something new: readers hear of it, though not more often than drawing the page is worth. */
  moved(): void {
    if (this.#timer || this.#readers.size === 0) return;
    const wait = Math.max(0, this.#drawnAt + this.#pauseMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#tell('moved');
    }, wait).unref();
  }

  /** Tells readers that the run has ended, lets those who are about to get the page have it, and closes. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#tell('ended');
    for (const reader of this.#readers) reader.end();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    // Whoever hangs on is cut off.
    const cut = setTimeout(() => this.#server.closeAllConnections(), GRACE_MS);
    await closed;
    clearTimeout(cut);
  }

  #tell(event: 'moved' | 'ended'): void {
    for (const reader of this.#readers) reader.write(`event: ${event}\ndata: \n\n`);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    // Not `new URL`, which throws at paths such as `//`.
    const [pathname, query] = (request.url ?? '/').split('?', 2);
    const refuse = (status: number, text: string, headers: Record<string, string> = {}): void => {
      response
        .writeHead(status, { ...HEADERS, 'Content-Type': 'text/plain; charset=utf-8', ...headers })
        .end(`${text}\n`);
    };
    if (!this.#isToken(new URLSearchParams(query).get('token') ?? ''))
      refuse(403, 'Wrong or missing token: take the address that the run has printed.');
    else if (request.method !== 'GET') refuse(405, 'This page can only be read.', { Allow: 'GET' });
    else if (pathname === '/events') this.#listen(response);
    else if (pathname === '/') this.#send(response, refuse);
    else refuse(404, 'There is nothing but the report here.');
  }

  #send(response: ServerResponse, refuse: (status: number, text: string) => void): void {
    this.#drawn().then(
      (page) =>
        response
          .writeHead(200, {
            ...HEADERS,
            'Content-Type': 'text/html; charset=utf-8',
            'Content-Security-Policy': WATCH_POLICY,
          })
          .end(watchPage(page)),
      (error: Error) => refuse(500, `The report could not be drawn: ${error.message}`),
    );
  }

  /** The page as it was at most a pause ago. */
  #drawn(): Promise<string> {
    const now = performance.now();
    if (!this.#page || now - this.#drawnAt > this.#pauseMs) {
      this.#drawnAt = now;
      this.#page = this.draw();
      this.#page.then(
        () => {
          this.#pauseMs = Math.max(LEAST_PAUSE_MS, (performance.now() - now) / MOST_SHARE);
        },
        () => {
          this.#page = undefined;
        },
      );
    }
    return this.#page;
  }

  #listen(response: ServerResponse): void {
    response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/event-stream' });
    response.write(': reading\n\n');
    this.#readers.add(response);
    response.on('close', () => this.#readers.delete(response));
  }

  #isToken(given: string): boolean {
    const [a, b] = [Buffer.from(given), Buffer.from(this.#token)];
    return a.length === b.length && timingSafeEqual(a, b);
  }
}
