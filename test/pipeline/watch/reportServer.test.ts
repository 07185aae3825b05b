import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { createConnection } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { html } from '../../../pipeline/report/html.js';
import { htmlPage } from '../../../pipeline/report/htmlPage.js';
import { UserError } from '../../../pipeline/userError.js';
import { ReportServer } from '../../../pipeline/watch/reportServer.js';

const page = htmlPage({ title: 'A run', sections: [{ id: 'a', title: 'A', content: html`<p>${'<b>'}</p>` }] });

let server: ReportServer | undefined;
afterEach(() => server?.close());
const start = async (draw: () => Promise<string> = async () => page) => {
  server = await ReportServer.start(0, draw);
  return server;
};
const at = (url: string, path: string) => {
  const { port, searchParams } = new URL(url);
  return { host: '127.0.0.1', port, path: path.replace('TOKEN', searchParams.get('token')!) };
};
/** Status, headers and body; a path goes out as it is given, dots and all. */
const ask = (url: string, path: string, method = 'GET') =>
  new Promise<{ status: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
    request({ ...at(url, path), method, agent: false }, (answer) => {
      let body = '';
      answer.on('data', (chunk: Buffer) => {
        body += chunk;
      });
      answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, body }));
    })
      .on('error', reject)
      .end();
  });

describe('ReportServer', () => {
  it('serves the page to whoever knows the token, with one script that its policy names', async () => {
    const { url } = await start();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{32}$/);
    const { status, headers, body } = await ask(url, '/?token=TOKEN');
    expect(status).toBe(200);
    expect(headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
    expect(body).toContain('<p>&lt;b&gt;</p>');
    const scripts = [...body.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)];
    expect(scripts).toHaveLength(1);
    const digest = createHash('sha256').update(scripts[0]![1]!).digest('base64');
    expect(headers['content-security-policy']).toContain(`script-src 'sha256-${digest}'`);
    expect(body).not.toContain('http-equiv');
  });

  it.each([
    ['no token', '/'],
    ['a wrong token', '/?token=x'],
    ['a wrong token of the right length', `/?token=${'A'.repeat(32)}`],
    ['a token that is not ASCII', `/?token=${'%C3%BC'.repeat(16)}`],
    ['the events without a token', '/events'],
    ['a path outside without a token', '/../../etc/passwd'],
    ['two slashes', '//'],
    ['a broken escape', '/%?token=%'],
  ])('refuses %s with 403', async (_, path) => {
    const { status, body } = await ask((await start()).url, path);
    expect(status).toBe(403);
    expect(body).toMatch(/token/);
  });

  it('can only be read, and has nothing but the page', async () => {
    const { url } = await start();
    for (const method of ['POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'])
      expect((await ask(url, '/?token=TOKEN', method)).status).toBe(405);
    for (const path of ['/config.json', '/../config.json', '/%2e%2e/etc/passwd', '//', '/checkpoints/last.safetensors'])
      expect((await ask(url, `${path}?token=TOKEN`)).status, path).toBe(404);
  });

  it('listens on the loopback interface only', async () => {
    const port = Number(new URL((await start()).url).port);
    const others = Object.values(networkInterfaces())
      .flat()
      .filter((one) => one && !one.internal && one.family === 'IPv4');
    for (const { address } of others as { address: string }[])
      await expect(
        new Promise((resolve, reject) =>
          createConnection({ host: address, port }, () => resolve('open')).on('error', reject),
        ),
      ).rejects.toThrow(/ECONNREFUSED/);
  });

  it('draws the page once for many readers, and says what went wrong', async () => {
    let drawn = 0;
    const { url } = await start(async () => {
      drawn++;
      return page;
    });
    await Promise.all([1, 2, 3].map(() => ask(url, '/?token=TOKEN')));
    expect(drawn).toBe(1);
    await server!.close();
    const failing = await start(() => Promise.reject(new Error('no config.json yet')));
    const { status, body } = await ask(failing.url, '/?token=TOKEN');
    expect([status, body]).toEqual([500, 'The report could not be drawn: no config.json yet\n']);
  });

  it('tells readers that the run has moved on and that it has ended, and closes', async () => {
    const { url } = await start();
    const heard: string[] = [];
    const ended = new Promise<void>((resolve, reject) => {
      request(at(url, '/events?token=TOKEN'), (answer) => {
        expect(answer.headers['content-type']).toBe('text/event-stream');
        answer.on('data', (chunk: Buffer) => {
          heard.push(chunk.toString());
          if (heard.length === 1) server!.moved();
          if (heard.length === 2) void server!.close();
        });
        answer.on('end', resolve);
      })
        .on('error', reject)
        .end();
    });
    await ended;
    await server!.close();
    expect(heard.join('')).toMatch(/event: moved[\s\S]*event: ended/);
    await expect(ask(url, '/?token=TOKEN')).rejects.toThrow(/ECONNREFUSED/);
    server = undefined;
  });

  it('lets a reader have the page that is being drawn when the run ends', async () => {
    let finish: (page: string) => void = () => {};
    const { url } = await start(() => new Promise((resolve) => (finish = resolve)));
    const asked = ask(url, '/?token=TOKEN');
    await expect.poll(() => finish.length).toBe(1); // being drawn
    const closed = server!.close();
    finish(page);
    expect((await asked).status).toBe(200);
    await closed;
  });

  it('says when the port is taken', async () => {
    const { url } = await start();
    const taken = ReportServer.start(Number(new URL(url).port), async () => page);
    await expect(taken).rejects.toThrow(UserError);
    await expect(taken).rejects.toThrow(/--watch: cannot listen on port \d+: another program uses it/);
  });
});
