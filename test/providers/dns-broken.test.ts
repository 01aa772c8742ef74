// Signatures by their definition, and DNS servers that drip, lie, cut off and flood, which real ones cannot be made to do.
import { createHmac } from 'node:crypto';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { BindAccess } from '../../activities/providers/dns/access.ts';
import { createBind } from '../../activities/providers/dns/bind/bind.ts';
import { readRndc, textAt, writeRndc } from '../../activities/providers/dns/bind/isccc.ts';
import type { DnsDriver } from '../../activities/providers/dns/driver.ts';
import {
  DnsAddressError,
  DnsAnswerError,
  DnsAnswerTooLongError,
  DnsTimeoutError,
  DnsUnreachableError,
} from '../../activities/providers/dns/errors.ts';
import { dnsNetwork } from '../../activities/providers/dns/network.ts';
import { newMessage, readMessage, writeMessage } from '../../activities/providers/dns/wire/message.ts';
import type { DnsMessage, Resource } from '../../activities/providers/dns/wire/message.ts';
import { createVerifier, readTsig, signed } from '../../activities/providers/dns/wire/tsig.ts';
import { soaToRdata } from '../../kit/dns/rdata.ts';
import { failureOf } from './dns.suite.ts';

const secret = Buffer.alloc(32, 7);
const key = { name: 'slipway', algorithm: 'hmac-sha256', secret } as const;

const record = (name: string, type: number, data: Uint8Array): Resource => ({
  name,
  type,
  class: 1,
  ttl: 300,
  data: Buffer.from(data),
});
const soaData = (serial: number): Uint8Array =>
  soaToRdata({ mname: 'ns.example', rname: 'h.example', serial, refresh: 1, retry: 1, expire: 1, minimum: 1 });
const soa = (serial = 1): Resource => record('z.example', 6, soaData(serial));
const address = (name: string): Resource => record(name, 1, Buffer.of(192, 0, 2, 1));

describe('messages', () => {
  test('are read as they were written, with compressed names', () => {
    const message: DnsMessage = {
      ...newMessage(77),
      questions: [{ name: 'z.example', type: 6, class: 1 }],
      answers: [soa(), address('a.z.example'), address('b.a.z.example')],
    };
    const bytes = writeMessage(message);
    expect(readMessage(bytes)).toEqual({ ...message, tsig: null });
    expect(bytes.toString('latin1').split('example').length - 1).toBe(3);
  });

  test.each([
    ['a header that ends early', (bytes: Buffer) => bytes.subarray(0, 11)],
    ['a record that ends early', (bytes: Buffer) => bytes.subarray(0, -1)],
    ['bytes after the last record', (bytes: Buffer) => Buffer.concat([bytes, Buffer.of(0)])],
  ])('are refused with %s', (_what, spoil) => {
    const bytes = writeMessage({ ...newMessage(1), answers: [address('a.z.example')] });
    expect(() => readMessage(spoil(bytes))).toThrow();
  });

  test('are refused when a name points to itself', () => {
    const bytes = Buffer.concat([writeMessage(newMessage(1)), Buffer.of(0xc0, 12, 0, 1, 0, 1)]);
    bytes.writeUInt16BE(1, 4);
    expect(() => readMessage(bytes)).toThrow();
  });
});

describe('signatures of messages (RFC 8945)', () => {
  const request = writeMessage({ ...newMessage(0x1234), questions: [{ name: 'z.example', type: 6, class: 1 }] });
  const time = 1_700_000_000;

  test('cover the message and the variables of 4.3.3', () => {
    const variables = Buffer.from(
      '07736c697077617900' +
        '00ff' +
        '00000000' +
        '0b686d61632d73686132353600' +
        '00006553f100' +
        '012c' +
        '0000' +
        '0000',
      'hex',
    );
    const { mac } = signed(request, key, time);
    expect(mac).toEqual(createHmac('sha256', secret).update(request).update(variables).digest());
  });

  test('of a stream are a chain, in which a message may be unsigned and none may be changed or left out', () => {
    const first = signed(request, key, time);
    const answers = [1, 2, 3].map((id) =>
      writeMessage({ ...newMessage(0x1234), isResponse: true, answers: [soa(id)] }),
    );
    const [one, two, three] = answers as [Buffer, Buffer, Buffer];
    const signedOne = signed(one, key, time, { prior: first.mac });
    const covered = createHmac('sha256', secret);
    covered.update(Buffer.of(0, 32)).update(signedOne.mac).update(two).update(three);
    const mac = covered.update(Buffer.from('00006553f100012c', 'hex')).digest();
    const signedThree = signed(three, key, time, { prior: signedOne.mac, timesOnly: true });
    const third = Buffer.from(signedThree.bytes);
    mac.copy(third, third.indexOf(signedThree.mac));
    const verdicts = (...messages: Buffer[]): string[] => {
      const verifier = createVerifier(key, first.mac);
      return messages.map((bytes) => verifier.check(bytes, readMessage(bytes), time).state);
    };
    expect(verdicts(signedOne.bytes, two, third)).toEqual(['signed', 'unsigned', 'signed']);
    expect(verdicts(signedOne.bytes, third)).toEqual(['signed', 'false']);
    expect(verdicts(two)).toEqual(['false']);
    const changed = Buffer.from(signedOne.bytes);
    changed[3] = 5;
    expect(verdicts(changed)).toEqual(['false']);
    expect(readTsig(readMessage(third).tsig?.record.data ?? Buffer.alloc(0)).mac).toEqual(mac);
  });

  test('of another time count for nothing', () => {
    const { bytes } = signed(request, key, time);
    expect(createVerifier(key, null).check(bytes, readMessage(bytes), time + 300).state).toBe('signed');
    expect(createVerifier(key, null).check(bytes, readMessage(bytes), time + 301).state).toBe('false');
  });

  test('of rndc are verified, and another key or a changed byte is refused', () => {
    const bytes = writeRndc({ _ctrl: { _ser: '1' }, _data: { type: 'status' } }, key);
    expect(textAt(readRndc(bytes, key), '_data', 'type')).toBe('status');
    expect(() => readRndc(bytes, { ...key, secret: Buffer.alloc(32, 8) })).toThrow('signature');
    const changed = Buffer.from(bytes);
    changed[changed.length - 1] = 0x20;
    expect(() => readRndc(changed, key)).toThrow('signature');
  });
});

describe('a broken DNS server', () => {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    for (const server of servers) server.close();
  });

  async function broken(reply: (socket: Socket, request: DnsMessage) => void): Promise<DnsDriver> {
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('data', (bytes: Buffer) => reply(socket, readMessage(bytes.subarray(2))));
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return driverAt(`dns://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  function driverAt(endpoint: string, allowedNetworks: string[] = []): DnsDriver {
    const access: BindAccess = {
      type: 'bind',
      server: 'the server',
      endpoint,
      dnsPort: null,
      tsig: null,
      view: null,
      rndcPort: 953,
      rndc: null,
      zoneSeed: { from: 'existing_file' },
      zoneFilePattern: '{zone}.db',
      catalog: null,
    };
    const network = dnsNetwork({ allowedNetworks, caFile: undefined, own: [] });
    const limits = { ...network.limits, zoneMs: 500, zoneBytes: 100_000 };
    return createBind(access, { ...network, limits }, null);
  }

  const framed = (message: DnsMessage): Buffer => {
    const bytes = writeMessage(message);
    return Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 255), bytes]);
  };
  const answer = (request: DnsMessage, ...answers: Resource[]): Buffer =>
    framed({
      ...newMessage(request.id),
      isResponse: true,
      isAuthoritative: true,
      questions: request.questions,
      answers,
    });

  test.each<[string, new (...args: never[]) => Error, (socket: Socket, request: DnsMessage) => void]>([
    ['drips', DnsTimeoutError, (socket, request) => drip(socket, answer(request, soa(), address('a.z.example')))],
    ['closes at once', DnsAnswerError, (socket) => void socket.destroy()],
    [
      'cuts its answer off',
      DnsAnswerError,
      (socket, request) => void socket.end(answer(request, soa()).subarray(0, 20)),
    ],
    [
      'ends before the closing SOA',
      DnsAnswerError,
      (socket, request) => void socket.end(answer(request, soa(), address('a.z.example'))),
    ],
    [
      'answers another question',
      DnsAnswerError,
      (socket, request) => void socket.write(answer({ ...request, id: request.id ^ 1 }, soa())),
    ],
    [
      'truncates',
      DnsAnswerError,
      (socket, request) => void socket.write(framed({ ...request, isResponse: true, isTruncated: true })),
    ],
    [
      'sends records of another zone',
      DnsAnswerError,
      (socket, request) => void socket.write(answer(request, soa(), address('a.other'), soa())),
    ],
    [
      'ends with another serial',
      DnsAnswerError,
      (socket, request) => void socket.write(answer(request, soa(1), soa(2))),
    ],
    [
      'goes on after the end',
      DnsAnswerError,
      (socket, request) => void socket.write(answer(request, soa(), soa(), soa())),
    ],
    [
      'sends no DNS',
      DnsAnswerError,
      (socket) => void socket.write(Buffer.concat([Buffer.of(0, 40), Buffer.alloc(40, 0xc0)])),
    ],
    ['floods', DnsAnswerTooLongError, (socket, request) => flood(socket, request)],
  ])('that %s is told as such, and nothing is kept', async (_what, kind, reply) => {
    const error = await failureOf((await broken(reply)).read('z.example'));
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toMatch(/^the server: /);
  });

  function drip(socket: Socket, bytes: Buffer): void {
    let at = 0;
    const timer = setInterval(() => socket.write(bytes.subarray(at, (at += 1))), 50);
    socket.once('close', () => clearInterval(timer));
  }

  function flood(socket: Socket, request: DnsMessage): void {
    const part = answer(request, ...Array.from({ length: 500 }, () => address('a.z.example')));
    socket.write(answer(request, soa()));
    for (let left = 20; left > 0; left -= 1) socket.write(part);
  }

  test('that is not there is unreachable, and an address that is not allowed is not called', async () => {
    expect(await failureOf(driverAt('dns://127.0.0.1:1').soa('z.example'))).toBeInstanceOf(DnsUnreachableError);
    for (const refused of ['169.254.169.254', '[fe80::1]', '[::ffff:a9fe:a9fe]', '0.0.0.0', '100.100.100.200'])
      expect(await failureOf(driverAt(`dns://${refused}:53`).soa('z.example'))).toBeInstanceOf(DnsAddressError);
    const error = await failureOf(driverAt('dns://127.0.0.1:1', ['10.0.0.0/8']).soa('z.example'));
    expect(error).toBeInstanceOf(DnsAddressError);
    expect(error.message).not.toContain('127.0.0.1');
  });
});
