// Numbers of the DNS (IANA) that the wire itself needs; the types of records are in kit/dns/types.ts.

export const typeSoa = 6;
export const typeTxt = 16;
export const typeOpt = 41;
export const typeDnskey = 48;
export const typeTsig = 250;
export const typeAxfr = 252;

export const classIn = 1;
export const classChaos = 3;
export const classNone = 254;
export const classAny = 255;

export const opcodeQuery = 0;
export const opcodeUpdate = 5;

export const rcode = {
  noError: 0,
  formErr: 1,
  servFail: 2,
  nxDomain: 3,
  notImp: 4,
  refused: 5,
  yxDomain: 6,
  yxRrset: 7,
  nxRrset: 8,
  notAuth: 9,
  notZone: 10,
} as const;

const names = [
  'NOERROR',
  'FORMERR',
  'SERVFAIL',
  'NXDOMAIN',
  'NOTIMP',
  'REFUSED',
  'YXDOMAIN',
  'YXRRSET',
  'NXRRSET',
  'NOTAUTH',
  'NOTZONE',
];

export const rcodeName = (code: number): string => names[code] ?? `RCODE${code}`;

export const badSig = 16;
export const badKey = 17;
export const badTime = 18;
