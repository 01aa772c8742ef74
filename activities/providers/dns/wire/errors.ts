/** A DNS message that does not follow the protocol. The message never quotes the bytes. */
export class DnsWireError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DnsWireError';
  }
}
